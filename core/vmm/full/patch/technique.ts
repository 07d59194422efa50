import { FLAG } from '../../../ia32/flags.ts';
import { CS, SS } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import * as L from '../../../machine/cpu/layout.ts';
import type { Processor } from '../../../machine/cpu/processor.ts';
import { W_DATA_SELECTOR, W_INSTRUCTION_SELECTOR } from '../../../machine/cpu/x87/state.ts';
import type { Exit, Handling, OwnExit } from '../../exit.ts';
import { type Host, TRAP_FRAME_NAMES } from '../../host/host.ts';
import type { ShadowPaging } from '../../memory/shadow.ts';
import type { Technique } from '../../technique.ts';
import type { VirtualProcessor } from '../../vcpu.ts';
import { Deprivileged } from '../deprivileged.ts';
import { ShadowDescriptors } from '../descriptors.ts';
import { LONGEST, type Patch, type PatchCounts, PatchedCode } from './code.ts';

const INT3 = 0xcc;
/** Lengths of the breakpoint as one byte, and as INT 3. */
const INT3_BYTES = 1;
const INT_3_BYTES = 2;
/** Times that a RET must have led to known code, or a segment register taken its selector, before it runs without a patch. */
const TRUST = 8;

/**
 * Scan and patch (as CSAM and PATM of VirtualBox): the guest's kernel runs in place in ring 1, after its code was scanned and every
 * instruction that ring 1 would get wrong was replaced by a breakpoint. The monitor emulates the original.
 */
export class ScanAndPatch implements Technique {
  readonly mode = 'patch';
  readonly savedNames = TRAP_FRAME_NAMES;
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  readonly #shadow: ShadowPaging;
  readonly #ring: Deprivileged;
  readonly #code: PatchedCode;
  readonly #emulate: () => void;
  /** The patch that was executed; null for a breakpoint of the guest's own. */
  #patch: Patch | null = null;

  /** `emulate`: has the monitor emulate the instruction at the guest's EIP. */
  constructor(host: Host, vcpu: VirtualProcessor, shadow: ShadowPaging, emulate: () => void) {
    this.#host = host;
    this.#vcpu = vcpu;
    this.#shadow = shadow;
    this.#ring = new Deprivileged(host, vcpu, shadow, new ShadowDescriptors(host, vcpu, shadow));
    this.#code = new PatchedCode(vcpu, shadow);
    this.#emulate = emulate;
  }

  get counts(): PatchCounts {
    return this.#code.counts;
  }

  start(): void {
    this.#ring.start();
    this.#vcpu.memory.listen(this.#code);
    // For ring 3 the pages are as its own tables say: it runs directly.
    this.#shadow.mayExecute = (page, access) => this.#code.has(page) || (access === 'execute' && this.#vcpu.cpl === 3);
    // Ring 1 only: a breakpoint of ring 3 is a #GP, which is emulated, whether it is a patch in a page of both or its own.
    this.#host.setGate(VECTOR.BP, 1);
  }

  stop(): void {
    this.#code.clear();
    this.#vcpu.memory.unlisten(this.#code);
    this.#shadow.mayExecute = null;
    this.#host.setGate(VECTOR.BP, 0);
    this.#ring.stop();
  }

  /** Also scans the code at the guest's EIP, if it is not known. */
  ready(): boolean {
    const vcpu = this.#vcpu;
    if (!this.#ring.ready()) return false;
    if (vcpu.cpl !== 0) return true;
    // The scanner decodes 32-bit code; the single-step trap would not come behind what is emulated.
    if (vcpu.codeSize !== 4 || vcpu.i32[L.W_STACK_MASK] !== -1 || (vcpu.i32[L.W_EFLAGS] & FLAG.TF) !== 0) return false;
    // A breakpoint is at an address of the guest's code, and its trap must come between two of the guest's instructions.
    if (vcpu.hasBreakpoints) return false;
    const { address } = vcpu;
    if (this.#code.isKnown(address)) return true;
    this.#code.scan(address);
    return this.#code.isKnown(address);
  }

  enter(): void {
    this.#ring.enter(null);
  }

  exit(): Exit {
    const vcpu = this.#vcpu;
    const { vector, error } = this.#ring.leave(null);
    // Only code that no scan found leaves ring 1 by its own IRET; see TrapAndEmulate.
    if (this.#ring.leftKernel) vcpu.i32[L.W_EFLAGS] |= FLAG.IF;
    this.#hideSelectors();
    if (vector !== VECTOR.BP) return this.#ring.explain(vector, error);
    this.#findBreakpoint();
    return { kind: 'callout', name: calloutName(this.#patch) };
  }

  saved(into: Int32Array): void {
    this.#host.saved(into);
  }

  observe(target: Processor): void {
    this.#ring.observe(target, false);
  }

  /** Moves EIP back to the breakpoint, and finds the patch that it is. */
  #findBreakpoint(): void {
    const vcpu = this.#vcpu;
    const address = this.#code.physical((vcpu.address - INT3_BYTES) | 0);
    this.#patch = address < 0 ? null : this.#code.patchAt(address);
    const isShort = this.#patch !== null || (address >= 0 && vcpu.memory.read(address, 1) === INT3);
    vcpu.i32[L.W_EIP] = (vcpu.i32[L.W_EIP] - (isShort ? INT3_BYTES : INT_3_BYTES)) | 0;
  }

  /** The x87 notes the selectors of its last instruction and operand: with the guest's privilege level. */
  #hideSelectors(): void {
    const vcpu = this.#vcpu;
    const { i32 } = vcpu;
    const cs = vcpu.selector(CS);
    const ss = vcpu.selector(SS);
    if (vcpu.cpl !== 0) return;
    if (i32[W_INSTRUCTION_SELECTOR] === (cs | 1)) i32[W_INSTRUCTION_SELECTOR] = cs;
    if (i32[W_DATA_SELECTOR] === (ss | 1)) i32[W_DATA_SELECTOR] = ss;
  }

  serve(exit: OwnExit): Handling {
    if (exit.kind !== 'callout') throw new TypeError(`There is no ${exit.kind} under scan and patch.`);
    const patch = this.#patch;
    const start = this.#vcpu.i32[L.W_EIP];
    this.#emulate();
    if (patch === null) return 'resume';
    const { callouts } = this.counts;
    callouts[patch.mnemonic] = (callouts[patch.mnemonic] ?? 0) + 1;
    this.#reconsider(patch, start);
    return 'resume';
  }

  /** What was emulated, at `start`, may have shown that its patch is not needed. */
  #reconsider(patch: Patch, start: number): void {
    const code = this.#code;
    if (patch.kind === 'edge') {
      if (code.finish(patch)) code.lift(patch);
      return;
    }
    if (!patch.isTrustable || !code.isKnown(this.#vcpu.address)) return;
    // After a fault EIP is in a handler.
    const advanced = (this.#vcpu.i32[L.W_EIP] - start) >>> 0;
    if (patch.kind === 'selector' && advanced > LONGEST) return;
    if (++patch.good >= TRUST) code.lift(patch);
  }
}

/** What a breakpoint stands for: the instruction under it, unless it is there for another reason. */
function calloutName(patch: Patch | null): string {
  switch (patch?.kind) {
    case 'edge':
      return 'patch: code not scanned yet';
    case 'overlap':
      return 'patch: overlapping code';
    case 'sensitive':
    case 'selector':
    case 'return':
    case 'indirect':
      return patch.mnemonic;
    case undefined:
      return 'int3';
  }
}
