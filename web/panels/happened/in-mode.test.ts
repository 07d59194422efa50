import { describe, expect, test } from 'vitest';
import type { InstructionClass } from '../../../core/protocol/messages.ts';
import { MODES } from '../../modes.ts';
import { laterText } from '../../text/later.ts';
import { inMode, isSameEverywhere, manualSection } from './in-mode.ts';
import { KINDS, type Kind, kindOf } from './instruction-kind.ts';

const kind = (line: string, privilege: InstructionClass, isUser = false) =>
  kindOf({ text: line, class: privilege }, isUser);

const outcomes = (of: Kind) => MODES.map(mode => inMode(of, mode).outcome);

test.each<[string, InstructionClass, Kind | null]>([
  ['mov    cr3,eax', 'privileged', 'writeCr3'],
  ['mov    eax,cr3', 'privileged', 'readCr3'],
  ['mov    cr0,eax', 'privileged', 'writeControl'],
  ['mov    eax,cr4', 'privileged', 'readControl'],
  ['mov    dr7,eax', 'privileged', 'debug'],
  ['cli', 'io', 'interruptFlag'],
  ['out    dx,al', 'io', 'io'],
  ['rep outsb', 'io', 'io'],
  ['popfd', 'sensitive', 'popf'],
  ['pushf', 'sensitive', 'pushf'],
  ['mov    eax,cs', 'sensitive', 'showSegment'],
  ['mov    ss,ax', 'sensitive', 'loadSegment'],
  ['push   cs', 'sensitive', 'showSegment'],
  ['pop    ss', 'sensitive', 'loadSegment'],
  ['call   0x8:0xc0101000', 'sensitive', 'farTransfer'],
  ['retf', 'sensitive', 'farTransfer'],
  ['int    0x80', 'sensitive', 'softwareInterrupt'],
  ['mov    eax,[ebx]', 'plain', 'plain'],
  ['cpuid', 'plain', 'cpuid'],
  ['vmxon  [eax]', 'privileged', null],
  ['sysenter', 'plain', null],
])('%s (%s) is %s', (line, privilege, wanted) => {
  expect(kind(line, privilege)).toBe(wanted);
});

test('in ring 3 privilege decides, not what the instruction does', () => {
  expect(kind('hlt', 'privileged', true)).toBe('userPrivileged');
  expect(kind('cli', 'io', true)).toBe('userPrivileged');
  expect(kind('sgdt   [eax]', 'sensitive', true)).toBe('userSensitive');
  expect(kind('int    0x80', 'sensitive', true)).toBe('softwareInterrupt');
});

describe('what becomes of it', () => {
  test('CLI traps where it is deprivileged, except where something stands in its place', () => {
    expect(outcomes('interruptFlag')).toEqual(['runs', 'traps', 'replaced', 'traps', 'replaced', 'runs', 'runs']);
    expect(inMode('interruptFlag', 'trap').why).toBe('CPL 1 is above IOPL 0: #GP(0).');
  });

  test('POPF goes wrong without a trap where nobody helps it', () => {
    expect(outcomes('popf')).toEqual(['runs', 'wrong', 'replaced', 'replaced', 'replaced', 'runs', 'runs']);
  });

  test('a load of CR3 exits under VMX only without EPT', () => {
    expect(outcomes('writeCr3')).toEqual(['runs', 'traps', 'replaced', 'traps', 'hypercall', 'runs', 'exits']);
  });

  test('page tables are seen by a shadow, and by nobody under EPT', () => {
    expect(outcomes('tracedWrite')).toEqual(['runs', 'traps', 'traps', 'traps', 'hypercall', 'runs', 'exits']);
  });

  test.each(KINDS)('%s is known in every mode, and says why', of => {
    for (const mode of MODES) {
      const { outcome, why } = inMode(of, mode);
      expect(laterText.inMode.outcome[outcome]).toBeDefined();
      expect(why).toMatch(/^\S.*[.)]$/);
      if (mode === 'bare') expect(['runs', 'traps']).toContain(outcome);
      if (outcome === 'exits') expect(['nested', 'shadow']).toContain(mode);
      if (outcome === 'hypercall') expect(mode).toBe('para');
    }
  });

  test('no reason is left without an instruction', () => {
    const used = new Set(KINDS.flatMap(of => MODES.map(mode => inMode(of, mode).why)));
    const kept: readonly string[] = [laterText.inMode.why.trapsAnyway];
    expect(Object.values(laterText.inMode.why).filter(why => !used.has(why) && !kept.includes(why))).toEqual([]);
  });
});

test('the manual is named where it decides', () => {
  expect(manualSection('writeCr3', 'trap', 'MOV')).toBe('SDM volume 3, 5.9');
  expect(manualSection('interruptFlag', 'trap', 'CLI')).toBe('SDM volume 2, CLI');
  expect(manualSection('io', 'nested', 'OUT')).toBe('SDM volume 3, 25.1.3');
  expect(manualSection('cpuid', 'nested', 'CPUID')).toBe('SDM volume 3, 25.1.2');
  expect(manualSection('popf', 'trap', 'POPF')).toBe('SDM volume 2, POPF');
  expect(manualSection('popf', 'translate', 'POPF')).toBeNull();
});

test('an ordinary instruction needs no table', () => {
  expect(isSameEverywhere('plain')).toBe(true);
  expect(isSameEverywhere('cpuid')).toBe(false);
});
