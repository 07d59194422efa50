import { EAX, ECX, EDI, EDX, ESI } from '../../ia32/registers.ts';
import type { Host } from '../host/host.ts';
import * as H from '../host/layout.ts';
import { VMX_POINTER, VPID_OPERAND } from '../host/stubs.ts';
import { FRAME_SIZE } from '../memory/frames.ts';
import type { Fields } from './guest-state.ts';

/** Encodings and values for the loops that read and write fields, in the VCPU page. */
const ENCODINGS = H.VCPU;
const VALUES = H.VCPU + 0x400;
/** Fields in one go at most. */
const MOST = 200;

const IA32_FEATURE_CONTROL = 0x3a;
const IA32_VMX_BASIC = 0x480;
/** Locked; VMX outside of SMX. */
const ENABLED = 5;
/** Type of INVVPID (SDM volume 3, 30.3). */
const ONE_CONTEXT = 1;

/**
 * A VMCS, reached as software reaches one: by VMREAD and VMWRITE, which the monitor's machine code executes. The general registers of the
 * machine are used for it, so the guest's must have been saved.
 */
export class Vmcs {
  readonly #host: Host;
  /** Frames of its own from start() to stop(). */
  #region = 0;
  #vmxonRegion = 0;
  /** What every field that was written holds, so that only changes are written. */
  readonly #known = new Map<number, number>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** The machine's processor enters VMX operation, with this VMCS current. CR4.VMXE must be set. */
  start(): void {
    const host = this.#host;
    this.#region = host.allocate();
    this.#vmxonRegion = host.allocate();
    const [low] = this.readMsr(IA32_VMX_BASIC);
    const revision = low & 0x7fffffff;
    if ((this.readMsr(IA32_FEATURE_CONTROL)[0] & 1) === 0) this.#writeMsr(IA32_FEATURE_CONTROL, ENABLED);
    for (const frame of [this.#region, this.#vmxonRegion]) host.memory.write(frame * FRAME_SIZE, 4, revision);
    this.#execute('vmxon', this.#vmxonRegion);
    this.#execute('vmclear', this.#region);
    this.#execute('vmptrld', this.#region);
    this.#known.clear();
  }

  /** Leaves VMX operation. */
  stop(): void {
    this.#execute('vmclear', this.#region);
    this.#host.execute('vmxoff', 0);
    this.#host.free(this.#region);
    this.#host.free(this.#vmxonRegion);
  }

  #execute(instruction: 'vmxon' | 'vmclear' | 'vmptrld', frame: number): void {
    const host = this.#host;
    host.write(VMX_POINTER, 4, frame * FRAME_SIZE);
    host.write(VMX_POINTER + 4, 4, 0);
    host.execute(instruction, 0);
    if ((host.cpu.eflags() & 0x41) !== 0) throw new Error(`${instruction.toUpperCase()} failed.`);
  }

  /** RDMSR: low and high word. */
  readMsr(number: number): readonly [number, number] {
    const { i32 } = this.#host.cpu;
    i32[ECX] = number;
    this.#host.execute('rdmsr', 0);
    return [i32[EAX], i32[EDX]];
  }

  #writeMsr(number: number, low: number): void {
    const { i32 } = this.#host.cpu;
    i32[ECX] = number;
    i32[EDX] = 0;
    this.#host.execute('wrmsr', low);
  }

  /** INVVPID: drops all translations of a VPID, which is not 0. */
  dropTranslations(vpid: number): void {
    const host = this.#host;
    [vpid, 0, 0, 0].forEach((word, n) => {
      host.write(VPID_OPERAND + 4 * n, 4, word);
    });
    host.execute('invvpid', ONE_CONTEXT);
    if ((host.cpu.eflags() & 0x41) !== 0) throw new Error('INVVPID failed.');
  }

  /** Values of fields, in the order of their encodings. */
  read(encodings: readonly number[]): number[] {
    this.#loop('vmread', encodings);
    return encodings.map((encoding, n) => {
      const value = this.#host.read(VALUES + 4 * n, 4);
      this.#known.set(encoding, value);
      return value;
    });
  }

  /** Writes those fields that have changed, and returns them. */
  write(fields: Fields): Fields {
    const changed = fields.filter(([encoding, value]) => this.#known.get(encoding) !== (value | 0));
    if (changed.length === 0) return changed;
    changed.forEach(([encoding, value], n) => {
      this.#host.write(VALUES + 4 * n, 4, value);
      this.#known.set(encoding, value | 0);
    });
    this.#loop(
      'vmwrite',
      changed.map(([encoding]) => encoding),
    );
    return changed;
  }

  #loop(instruction: 'vmread' | 'vmwrite', encodings: readonly number[]): void {
    if (encodings.length > MOST) throw new RangeError(`${encodings.length} fields at once are too many.`);
    const host = this.#host;
    encodings.forEach((encoding, n) => {
      host.write(ENCODINGS + 4 * n, 4, encoding);
    });
    const { i32 } = host.cpu;
    i32[ECX] = encodings.length;
    i32[ESI] = ENCODINGS | 0;
    i32[EDI] = VALUES | 0;
    host.execute(instruction, 0);
  }
}
