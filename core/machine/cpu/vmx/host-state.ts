import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CR4, CS, DS, ES, ESP, FS, GS, LDTR, SS, TR } from '../../../ia32/registers.ts';
import { EXIT_CONTROL } from '../../../ia32/vmx/controls.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';
import { DR7_FIXED } from '../debug-registers.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import * as M from '../msr-numbers.ts';
import { readField, readHigh } from './vmcs.ts';

/** Bits of CR0 that entries and exits leave as they are (SDM volume 3, 26.3.2.1 and 27.5.1); reserved ones read as 0 here. */
export const CR0_KEPT = CR0.ET | CR0.NW | CR0.CD;

/** Host data segments: flat, read and write, 32 bits. Unusable with a null selector, all but FS and GS without a base (27.5.2). */
const DATA_SEGMENTS: readonly (readonly [index: number, selector: FieldEncoding, base: FieldEncoding | null])[] = [
  [ES, FIELD.hostEsSelector, null],
  [SS, FIELD.hostSsSelector, null],
  [DS, FIELD.hostDsSelector, null],
  [FS, FIELD.hostFsSelector, FIELD.hostFsBase],
  [GS, FIELD.hostGsSelector, FIELD.hostGsBase],
];
const FLAT_CODE = 0xc09b;
const FLAT_DATA = 0xc093;
const BUSY_TSS = 0x8b;

/** Loads the monitor's state (SDM volume 3, 27.5), all but the MSR list. False if its PDPTEs cannot be loaded. */
export function loadHostState(cpu: Executor): boolean {
  const { i32 } = cpu;
  const controls = readField(cpu, FIELD.exitControls);
  i32[L.W_VMX_OPERATION] = L.VMX_ROOT;
  i32[L.W_VMX_PIN] = 0;
  i32[L.W_VMX_PROCESSOR] = 0;
  i32[L.W_VMX_SECONDARY] = 0;
  i32[L.W_EPT_POINTER] = 0;
  i32[L.W_VMX_WATCH] = 0;
  i32[L.W_PENDING_DEBUG] = 0;
  i32[L.W_HALTED] = 0;
  i32[L.W_SHADOW] = 0;
  cpu.delivering = 0;

  i32[L.W_CR0] = (readField(cpu, FIELD.hostCr0) & ~CR0_KEPT) | (i32[L.W_CR0] & CR0_KEPT);
  i32[L.W_CR3] = readField(cpu, FIELD.hostCr3);
  i32[L.W_CR4] = readField(cpu, FIELD.hostCr4);
  cpu.setDebugControl(DR7_FIXED);
  i32[L.W_MSR + M.DEBUG_CONTROL] = 0;
  i32[L.W_MSR + M.SYSENTER_CS] = readField(cpu, FIELD.hostSysenterCs);
  i32[L.W_MSR + M.SYSENTER_ESP] = readField(cpu, FIELD.hostSysenterEsp);
  i32[L.W_MSR + M.SYSENTER_EIP] = readField(cpu, FIELD.hostSysenterEip);
  if ((controls & EXIT_CONTROL.loadPat) !== 0) {
    i32[L.W_MSR + M.PAT] = readField(cpu, FIELD.hostPat);
    i32[L.W_MSR + M.PAT + 1] = readHigh(cpu, FIELD.hostPat);
  }
  if ((controls & EXIT_CONTROL.loadEfer) !== 0) i32[L.W_MSR + M.EFER] = readField(cpu, FIELD.hostEfer) & M.EFER_NXE;

  cpu.setEflags(FLAG.ONE);
  cpu.setSegment(CS, readField(cpu, FIELD.hostCsSelector), 0, -1, FLAT_CODE);
  for (const [index, selectorField, base] of DATA_SEGMENTS) {
    const selector = readField(cpu, selectorField);
    if (selector === 0) cpu.setSegment(index, 0, 0, 0, 0);
    else cpu.setSegment(index, selector, base === null ? 0 : readField(cpu, base), -1, FLAT_DATA);
  }
  cpu.setSegment(TR, readField(cpu, FIELD.hostTrSelector), readField(cpu, FIELD.hostTrBase), 0x67, BUSY_TSS);
  cpu.setSegment(LDTR, 0, 0, 0, 0);
  i32[L.W_GDTR_BASE] = readField(cpu, FIELD.hostGdtrBase);
  i32[L.W_GDTR_LIMIT] = 0xffff;
  i32[L.W_IDTR_BASE] = readField(cpu, FIELD.hostIdtrBase);
  i32[L.W_IDTR_LIMIT] = 0xffff;
  i32[ESP] = readField(cpu, FIELD.hostEsp);
  i32[L.W_EIP] = readField(cpu, FIELD.hostEip);
  cpu.setCpl(0);
  cpu.updateAlignment();
  // Back to VPID 0, or all is dropped (28.3.3.1).
  cpu.enterSpace(0);
  return (i32[L.W_CR4] & CR4.PAE) === 0 || cpu.readPdptes(i32[L.W_CR3]);
}
