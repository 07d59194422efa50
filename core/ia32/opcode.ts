import type { OperationName } from './operations.ts';

/**
 * One row of the opcode table: everything about an instruction that is not its meaning. Privilege checks and VM-exit
 * causes are data here, so that they are made in one place and can be printed.
 */

/**
 * Operand codes of the SDM (volume 2, appendix A.2): Eb Ev Ew Gb Gv Gw Ib Iz Iw Ibs (8 bits sign-extended) Jb Jz M (address
 * only) Mp (far pointer in memory) Ms (pseudo-descriptor) Ma Mdq Ob Ov Sw Cd Dd Rd Ed Gd Ap, fixed registers, ES to GS, and for x87 ST0,
 * STi and m16 to m80. For MMX Pq (register by reg), Nq (register by r/m), Qq and Qd (register or memory of 8 or 4 bytes); for SSE Vx, Ux and
 * Wx alike, with Wu for memory on any boundary, Wq and Wd for 8 and 4 bytes of it; Mb, Md and Mx are memory only, Mx aligned; RdMw is a
 * 32-bit register or 16 bits of memory (PINSRW). RvMw is a register of the operand size or 16 bits of memory (MOV from a segment register, SLDT, STR, SMSW).
 */
export type OperandCode =
  | 'Eb'
  | 'Ew'
  | 'Ev'
  | 'Gb'
  | 'Gw'
  | 'Gv'
  | 'Ed'
  | 'Gd'
  | 'Rd'
  | 'RvMw'
  | 'Ib'
  | 'Ibs'
  | 'Iw'
  | 'Iz'
  | 'Jb'
  | 'Jz'
  | 'Ap'
  | 'M'
  | 'Mp'
  | 'Ms'
  | 'Ma'
  | 'Mq'
  | 'Mdq'
  | 'Mw'
  | 'Ob'
  | 'Ov'
  | 'Sw'
  | 'Cd'
  | 'Dd'
  | 'Zb'
  | 'Zv'
  | 'AL'
  | 'CL'
  | 'DX'
  | 'eAX'
  | 'AX'
  | '1'
  | 'ES'
  | 'CS'
  | 'SS'
  | 'DS'
  | 'FS'
  | 'GS'
  /** String operands: DS:[eSI], ES:[eDI], in byte and operand size. */
  | 'Xb'
  | 'Xv'
  | 'Yb'
  | 'Yv'
  | 'ST0'
  | 'STi'
  | 'Mf32'
  | 'Mf64'
  | 'Mf80'
  | 'Mi16'
  | 'Mi32'
  | 'Mi64'
  | 'Mbcd'
  | 'Menv'
  | 'Msave'
  | 'Mfx'
  | 'Pq'
  | 'Nq'
  | 'Qq'
  | 'Qd'
  | 'Vx'
  | 'Ux'
  | 'Wx'
  | 'Wu'
  | 'Wq'
  | 'Wd'
  | 'Mb'
  | 'Md'
  | 'Mx'
  | 'RdMw';

/** Checks made before an instruction's meaning, in this order (SDM volume 3, table 6-2: #UD, then #NM, then #GP). */
export type Check =
  /** #UD in real and virtual-8086 mode. */
  | 'protected'
  /** #NM if CR0.EM or CR0.TS; then pending x87 exceptions raise #MF unless the row says `noWait`. */
  | 'fpu'
  | 'fpuNoWait'
  /** #UD if CR0.EM, or for SSE if CR4.OSFXSR is 0, then #NM if CR0.TS; MMX looks at pending x87 exceptions, too. */
  | 'sse'
  | 'mmx'
  /** #UD if CR0.EM, #NM if CR0.TS: FXSAVE and FXRSTOR. */
  | 'fxsr'
  /** #GP(0) unless CPL is 0 (virtual-8086 mode counts as 3). */
  | 'cpl0'
  /** In virtual-8086 mode, #GP(0) unless IOPL is 3 (INT n, PUSHF, POPF, IRET). */
  | 'iopl86';

/** What makes the instruction exit in VMX non-root operation (SDM volume 3, 25.1): always, or by a control. */
export type Intercept =
  | 'always'
  | 'hlt'
  | 'invlpg'
  | 'rdpmc'
  | 'rdtsc'
  | 'cr'
  | 'dr'
  | 'io'
  | 'msr'
  | 'descriptor'
  | 'pause'
  | 'wbinvd'
  /** A VMX instruction: always, before the check of CPL (SDM volume 3, 30.3). */
  | 'vmx';

/** Number in memory that an x87 instruction loads or stores (SDM volume 1, 8.2). */
export type MemoryFormat = 'f32' | 'f64' | 'f80' | 'i16' | 'i32' | 'i64' | 'bcd';

export interface OpcodeRow {
  /** Name in the disassembly; string instructions and conditions get their suffix there. */
  readonly mnemonic: string;
  readonly operation: OperationName;
  readonly operands: readonly OperandCode[];
  /** Number format of an x87 memory operand; null for everything else. */
  readonly format: MemoryFormat | null;
  readonly checks: readonly Check[];
  readonly intercept: Intercept | null;
  /** Control does not simply go on to the next instruction, or the next one may have to be decoded or interrupted differently. */
  readonly endsBlock: boolean;
  /** LOCK is allowed when the destination is memory; otherwise a LOCK prefix raises #UD. */
  readonly lock: boolean;
  /** Sensitive but not privileged (Robin and Irvine's list): it goes wrong silently when a kernel is deprivileged. */
  readonly sensitive: boolean;
}
