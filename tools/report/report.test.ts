import { expect, test } from 'vitest';
import { everyForm } from './forms.ts';
import { NOT_ON_SILICON } from './not-on-silicon.ts';
import { testersOf } from './testers.ts';

const forms = everyForm();
const testers = testersOf(false);

test('every form of the opcode table is tested by something', () => {
  expect(forms.length).toBeGreaterThan(700);
  expect(forms.filter(({ name }) => testers(name).length === 0).map(({ name }) => name)).toEqual([]);
});

test('most forms are tested against silicon, and VMX is not', () => {
  expect(forms.filter(({ name }) => testers(name).includes('silicon')).length).toBeGreaterThan(680);
  expect(testers('vmxon Mq')).toEqual([expect.stringContaining('vmx/instructions.test.ts')]);
  expect(testers('no such form')).toEqual([]);
});

test('what is declared is a form, and none that silicon has', () => {
  const names = new Set(forms.map(({ name }) => name));
  for (const form of Object.keys(NOT_ON_SILICON)) {
    expect(names).toContain(form);
    expect(testers(form)).not.toContain('silicon');
  }
});
