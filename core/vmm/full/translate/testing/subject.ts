import { vi } from 'vitest';
import { MonitorSubject } from '../../../testing/subjects.ts';
import { BinaryTranslation } from '../technique.ts';

/** A virtual machine under binary translation, and the technique, which the monitor keeps to itself. */
export function createSubject(): { readonly subject: MonitorSubject; readonly technique: BinaryTranslation } {
  const start = vi.spyOn(BinaryTranslation.prototype, 'start');
  const subject = new MonitorSubject('translate');
  const technique = start.mock.contexts.at(-1);
  start.mockRestore();
  if (!(technique instanceof BinaryTranslation)) throw new Error('the monitor has another technique');
  return { subject, technique };
}
