/** A monitor for the specs: VMX operation is on, with a VMCS whose guest is the bench's own flat machine, and a host that halts on an exit. */
import { CR4, LDTR } from '../../../../ia32/registers.ts';
import { EXIT_NAMES } from '../../../../ia32/vmx/exits.ts';
import { FIELD, type FieldName } from '../../../../ia32/vmx/fields.ts';
import { FEATURE_CONTROL, VMX_MSR } from '../../../../ia32/vmx/msrs.ts';
import { Bench, CODE, CODE_SELECTOR, DATA_SELECTOR, GDT, IDT, TSS, TSS_SELECTOR } from '../../../testing/bench.ts';
import { type Code, HLT } from '../../../testing/code.ts';
import type { MachineUnderTest } from '../../../testing/machines.ts';
import { setCr4 } from '../../control.ts';
import * as L from '../../layout.ts';
import { readMsr, writeMsr } from '../../msr.ts';
import { ALLOWED } from '../capabilities.ts';
import { GUEST_SEGMENTS } from '../segments.ts';
import { isField, REVISION, readEncoding, writeEncoding } from '../vmcs.ts';

export const VMXON_REGION = 0x60000;
export const VMCS = 0x61000;
/** A second one. */
export const OTHER_VMCS = 0x62000;
/** Where the host halts. */
export const HOST = 0x18000;
export const HOST_STACK = 0xe000;
/** The guest's code, and a page for its data. */
export const GUEST = 0x30000;
export const GUEST_DATA = 0x31000;
export const GUEST_STACK = 0xd000;
/** Pages for bitmaps and MSR lists. */
export const BITMAPS = 0x64000;
export const MSR_LISTS = 0x68000;
/** EPT: its tables, from the PML4 on. */
export const EPT_TABLES = 0x70000;
const EPT_ROOT_LOW = EPT_TABLES | 0x1e;

export const VMX: Readonly<Record<string, Code>> = {
  vmcall: [0x0f, 0x01, 0xc1],
  vmlaunch: [0x0f, 0x01, 0xc2],
  vmresume: [0x0f, 0x01, 0xc3],
  vmxoff: [0x0f, 0x01, 0xc4],
  /** With a pointer at [EBX]. */
  vmptrld: [0x0f, 0xc7, 0x33],
  vmptrst: [0x0f, 0xc7, 0x3b],
  vmclear: [0x66, 0x0f, 0xc7, 0x33],
  vmxon: [0xf3, 0x0f, 0xc7, 0x33],
  /** VMREAD EAX, ECX and VMWRITE ECX, EAX. */
  vmread: [0x0f, 0x78, 0xc8],
  vmwrite: [0x0f, 0x79, 0xc8],
  /** Type in EAX, descriptor at [EBX]. */
  invept: [0x66, 0x0f, 0x38, 0x80, 0x03],
  invvpid: [0x66, 0x0f, 0x38, 0x81, 0x03],
};

/** What the exit says. */
export interface Exit {
  readonly reason: string;
  readonly qualification: number;
  readonly length: number;
  readonly eip: number;
}

export class VmxBench extends Bench {
  /** VMX operation, 32-bit paging at identical addresses; the VMCS is current and valid, and the guest is the host's twin at GUEST. */
  constructor(machine: MachineUnderTest) {
    super(machine);
    this.paging();
    const { cpu } = this;
    setCr4(cpu, cpu.i32[L.W_CR4] | CR4.VMXE);
    writeMsr(cpu, VMX_MSR.featureControl, FEATURE_CONTROL.lock | FEATURE_CONTROL.vmxOutsideSmx, 0);
    this.write(VMXON_REGION, 4, REVISION);
    this.write(VMCS, 4, REVISION);
    cpu.i32[L.W_VMX_OPERATION] = L.VMX_ROOT;
    cpu.i32[L.W_VMXON_POINTER] = VMXON_REGION;
    cpu.i32[L.W_VMCS_POINTER] = VMCS;
    this.bytes(HOST, HLT);
    this.#controls();
    this.#host();
    this.#guest();
  }

  #controls(): void {
    this.fields({
      pinControls: ALLOWED.pin.must,
      processorControls: ALLOWED.processor.must,
      exitControls: ALLOWED.exit.must,
      entryControls: ALLOWED.entry.must,
    });
  }

  #host(): void {
    const { i32 } = this.cpu;
    this.fields({
      hostCr0: i32[L.W_CR0],
      hostCr3: i32[L.W_CR3],
      hostCr4: i32[L.W_CR4],
      hostCsSelector: CODE_SELECTOR[0],
      hostTrSelector: TSS_SELECTOR,
      hostTrBase: TSS,
      hostGdtrBase: GDT,
      hostIdtrBase: IDT,
      hostEip: HOST,
      hostEsp: HOST_STACK,
    });
    for (const name of ['Es', 'Ss', 'Ds', 'Fs', 'Gs'] as const)
      this.set32(FIELD[`host${name}Selector`], DATA_SELECTOR[0]);
  }

  #guest(): void {
    const { cpu } = this;
    for (const { index, selector, base, limit, rights } of GUEST_SEGMENTS) {
      const attributes = cpu.segment(index, L.S_ATTRIBUTES);
      this.set32(selector, cpu.selector(index));
      this.set32(base, cpu.base(index));
      this.set32(limit, cpu.segment(index, L.S_LIMIT));
      this.set32(rights, attributes === 0 || index === LDTR ? 0x10000 : attributes);
    }
    this.fields({
      guestCr0: cpu.i32[L.W_CR0],
      guestCr3: cpu.i32[L.W_CR3],
      guestCr4: cpu.i32[L.W_CR4],
      guestDr7: 0x400,
      guestGdtrBase: GDT,
      guestGdtrLimit: cpu.i32[L.W_GDTR_LIMIT],
      guestIdtrBase: IDT,
      guestIdtrLimit: 0x7ff,
      guestEip: GUEST,
      guestEsp: GUEST_STACK,
      guestEflags: 2,
      vmcsLinkPointer: -1,
    });
    this.set32(FIELD.vmcsLinkPointer + 1, -1);
  }

  // Fields

  /** A word by encoding, also that of a high word. Unsigned. */
  get32(encoding: number): number {
    if (!isField(encoding)) throw new Error(`no field ${encoding.toString(16)}`);
    return readEncoding(this.cpu, encoding) >>> 0;
  }

  set32(encoding: number, value: number): void {
    if (!isField(encoding)) throw new Error(`no field ${encoding.toString(16)}`);
    writeEncoding(this.cpu, encoding, value);
  }

  field(name: FieldName): number {
    return this.get32(FIELD[name]);
  }

  fields(values: Partial<Readonly<Record<FieldName, number>>>): this {
    for (const name of Object.keys(values) as FieldName[]) this.set32(FIELD[name], values[name] ?? 0);
    return this;
  }

  /** Sets bits of a field. */
  add(name: FieldName, bits: number): this {
    this.set32(FIELD[name], this.field(name) | bits);
    return this;
  }

  msr(number: number): readonly [number, number] {
    const value = readMsr(this.cpu, number);
    if (value === null) throw new Error(`no MSR ${number.toString(16)}`);
    return [value[0] >>> 0, value[1] >>> 0];
  }

  /** Maps the first 4 MB of guest-physical memory at their own addresses by EPT, in 4 KB pages with these entries' low bits. */
  ept(bits = 0x37): this {
    const at = (n: number) => EPT_TABLES + n * 0x1000;
    this.write(at(0), 4, at(1) | 7);
    this.write(at(1), 4, at(2) | 7);
    for (const table of [0, 1]) {
      this.write(at(2) + 8 * table, 4, at(3 + table) | 7);
      for (let n = 0; n < 512; n++) this.write(at(3 + table) + 8 * n, 4, ((table << 21) + (n << 12)) | bits);
    }
    this.add('processorControls', 1 << 31).add('secondaryControls', 2);
    this.set32(FIELD.eptPointer, EPT_ROOT_LOW);
    return this;
  }

  /** Address of the EPT entry of a page below 4 MB. */
  eptEntry(guestPhysical: number): number {
    return EPT_TABLES + 0x3000 + (guestPhysical >>> 21) * 0x1000 + ((guestPhysical >>> 12) & 0x1ff) * 8;
  }

  // Running

  /** Puts the guest's code at GUEST. A HLT follows. Returns where each part begins. */
  guest(...parts: readonly Code[]): number[] {
    const starts: number[] = [];
    let at = GUEST;
    for (const part of [...parts, HLT]) {
      starts.push(at);
      this.bytes(at, part);
      at += part.length;
    }
    return starts;
  }

  /** Enters and runs until the host or the guest halts. */
  enter(instruction: Code = VMX.vmlaunch, limit = 10_000): this {
    const { cpu } = this;
    cpu.i32[L.W_HALTED] = 0;
    this.bytes(CODE, [...instruction, 0xf4]);
    cpu.i32[L.W_EIP] = CODE;
    cpu.run(limit, true);
    return this;
  }

  /** The exit that brought the processor to the host. */
  exit(): Exit {
    if (this.cpu.i32[L.W_EIP] !== HOST + 1) throw new Error(`no exit, but at ${this.cpu.i32[L.W_EIP].toString(16)}`);
    const reason = this.field('exitReason');
    return {
      reason: (EXIT_NAMES[reason & 0xffff] ?? `reason ${reason & 0xffff}`) + (reason >>> 31 ? ', entry failed' : ''),
      qualification: this.field('exitQualification'),
      length: this.field('exitInstructionLength'),
      eip: this.field('guestEip'),
    };
  }

  /** `exit` with its name, or how the entry failed. */
  outcome(): string {
    return this.cpu.i32[L.W_EIP] === HOST + 1 ? `exit ${this.exit().reason}` : this.result();
  }

  /** Runs guest code to its exit. */
  exitOf(...parts: readonly Code[]): Exit {
    this.guest(...parts);
    return this.enter().exit();
  }

  /** How the last VMX instruction ended. */
  result(): string {
    const flags = this.cpu.statusFlags();
    if (flags === 0) return 'succeeded';
    if (flags === 1) return 'invalid';
    return flags === 0x40 ? `error ${this.field('instructionError')}` : `flags ${flags.toString(16)}`;
  }

  get operation(): number {
    return this.cpu.i32[L.W_VMX_OPERATION];
  }
}
