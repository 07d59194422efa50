import type { CodeRow } from '../../protocol/messages.ts';
import type { Answer, Question } from '../../protocol/questions.ts';
import { compile } from '../breaks/expression.ts';
import type { Session } from '../session.ts';
import { spacesOf } from './address-spaces.ts';
import { addressView } from './address-view.ts';
import { codeRow } from './code-view.ts';
import { descriptorsOf } from './descriptor-view.ts';
import { engineView, runBy } from './engine-view.ts';
import { tlbView } from './tlb-view.ts';
import { unitsOf } from './unit-view.ts';

/** Bytes, instructions and regions in one answer. */
const MOST_BYTES = 4096;
const MOST_ROWS = 256;
const MOST_REGIONS = 64;

const none = (message: string): Answer => ({ kind: 'none', message });

const isCount = (n: number, most: number): boolean => Number.isInteger(n) && n >= 0 && n <= most;

/** What is answered at once; for the others something has to be fetched or searched. */
export type QuickQuestion = Exclude<Question, { kind: 'lastWrite' | 'vmcs' }>;

/** Changes nothing: no accessed bits, no TLB, no devices, no counts. */
export function answer(session: Session, question: QuickQuestion): Answer {
  const { pc, processor, monitor } = session;
  switch (question.kind) {
    case 'memory': {
      const { space, address, length } = question;
      if (!isCount(length, MOST_BYTES)) return none(`An answer has at most ${MOST_BYTES} bytes.`);
      return { kind: 'memory', bytes: session.readMemory(space, address, length) };
    }
    case 'code':
      if (!isCount(question.count, MOST_ROWS)) return none(`An answer has at most ${MOST_ROWS} instructions.`);
      return { kind: 'code', rows: rowsFrom(session, question.address, question.count) };
    case 'walk':
      return { kind: 'walk', address: addressView(spacesOf(pc, monitor, processor), question.address) };
    case 'tlb':
      return tlbView(pc.cpu);
    case 'units':
      return { kind: 'units', ...unitsOf(processor, pc.cpu) };
    case 'descriptors': {
      // A paravirtualized guest's entries are in the machine's tables, which its own memory does not have in it.
      const isOwn = question.whose === 'guest' && monitor?.mode !== 'para';
      return descriptorsOf(isOwn ? processor : pc.cpu, question.table);
    }
    case 'engine':
      if (!isCount(question.count, MOST_REGIONS)) return none(`An answer has at most ${MOST_REGIONS} regions.`);
      return engineView(session, question.count);
    case 'region':
      return runBy(session, question.address, question.text);
    case 'value':
      return { kind: 'value', value: compile(question.expression)(processor) };
  }
}

/** The VMCS as it is when what knows its fields by name has been fetched. Changes nothing. */
export async function answerVmcs(session: Session): Promise<Answer> {
  const { vmcsView } = await import('./vmcs-view.ts');
  const fields = vmcsView(session.pc.cpu);
  return fields === null
    ? none('No VMCS is current: the guest does not run in VMX operation.')
    : { kind: 'vmcs', fields };
}

/** Instructions from an address on, up to where memory is not mapped. */
function rowsFrom({ processor, symbols }: Session, address: number, count: number): CodeRow[] {
  const rows: CodeRow[] = [];
  for (let at = address | 0; rows.length < count; ) {
    const row = codeRow(processor, symbols, at);
    rows.push(row);
    if (row.bytes.length === 0) break;
    at = (at + row.bytes.length) | 0;
  }
  return rows;
}
