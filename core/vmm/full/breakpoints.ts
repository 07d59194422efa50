import { DR7, DR7_FIXED } from '../../machine/cpu/debug-registers.ts';
import * as L from '../../machine/cpu/layout.ts';
import type { Host } from '../host/host.ts';
import { MONITOR_BASE } from '../host/layout.ts';
import type { Snippet } from '../host/stubs.ts';
import type { VirtualProcessor } from '../vcpu.ts';

const LOAD_ADDRESS: readonly Snippet[] = ['loadDr0', 'loadDr1', 'loadDr2', 'loadDr3'];

/**
 * The guest's breakpoints by address, on the machine while it runs the guest: linear addresses are the same there. The debug registers
 * themselves are virtual, since MOV to and from them traps; what the monitor emulates meets breakpoints in the virtual processor.
 */
export class GuestBreakpoints {
  readonly #host: Host;
  readonly #vcpu: VirtualProcessor;
  /** DR0 to DR3 and DR7 as the machine has them. */
  readonly #loaded = new Int32Array(4);
  #control = DR7_FIXED;

  constructor(host: Host, vcpu: VirtualProcessor) {
    this.#host = host;
    this.#vcpu = vcpu;
  }

  /** Brings the machine's up to date. The processor is halted in the monitor. */
  load(): void {
    const control = this.#wanted();
    const addresses = this.#vcpu.i32.subarray(L.W_DR, L.W_DR + 4);
    const isSame = control === this.#control && addresses.every((address, n) => address === this.#loaded[n]);
    if (isSame || ((control | this.#control) & DR7.enabled) === 0) return;
    LOAD_ADDRESS.forEach((snippet, n) => {
      if (addresses[n] !== this.#loaded[n]) this.#host.execute(snippet, addresses[n]);
    });
    this.#loaded.set(addresses);
    this.#host.execute('loadDr7', control);
    this.#control = control;
  }

  /** The machine has none any more. */
  unload(): void {
    if ((this.#control & DR7.enabled) !== 0) this.#host.execute('loadDr7', DR7_FIXED);
    this.#control = DR7_FIXED;
  }

  /** DR7 without general detection, which would trap the monitor, as would a breakpoint at what is the monitor's: the guest never gets there. */
  #wanted(): number {
    const { i32 } = this.#vcpu;
    let control = i32[L.W_DR + 7] & ~DR7.generalDetect;
    for (let n = 0; n < 4; n++) if (i32[L.W_DR + n] >>> 0 >= MONITOR_BASE) control &= ~(3 << (2 * n));
    return control;
  }
}
