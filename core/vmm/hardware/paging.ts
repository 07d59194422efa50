import { CR0, CR4 } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import { PROCESSOR, SECONDARY } from '../../ia32/vmx/controls.ts';
import { FIELD } from '../../ia32/vmx/fields.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER, EFER_NXE } from '../../machine/cpu/msr-numbers.ts';
import type { Host } from '../host/host.ts';
import { MONITOR_ENTRY } from '../host/layout.ts';
import type { ShadowPaging } from '../memory/shadow.ts';
import type { Paging } from '../technique.ts';
import type { VirtualProcessor } from '../vcpu.ts';
import type { Fields } from './guest-state.ts';
import { isEnterable } from './guest-state.ts';
import { NestedTables } from './nested-tables.ts';

/** How a guest's linear addresses become the machine's, and what the VMCS has to say for it. */
export interface GuestPaging {
  readonly kind: Paging;
  /** Controls beyond those that every guest has. */
  readonly processorControls: number;
  readonly secondaryControls: number;
  readonly exceptionBitmap: number;
  /** Bits of CR0 and CR4 that the guest does not set itself; it reads there what it last wrote. */
  readonly cr0Held: number;
  readonly cr4Held: number;
  /** Whether CR3 and the PDPTEs of the VMCS are the guest's own. */
  readonly ownsCr3: boolean;
  /** What the TLB knows the guest's translations by, so that they outlast VM exits; 0: they do not. */
  readonly vpid: number;
  /** Makes the tables; returns fields that stay. */
  start(): Fields;
  stop(): void;
  /** The guest-physical map has changed. */
  remap(): Fields;
  /** Whether VM entry takes the virtual processor's state. */
  isEnterable(): boolean;
  /** Control registers and EFER for the next entry. */
  registers(): Fields;
}

/** Bits that VMX operation fixes, and caching, which the machine does not have (SDM volume 3, 23.8). */
const CR0_FIXED = CR0.NE | CR0.CD | CR0.NW;
const CR4_FIXED = CR4.VMXE;

/** Extended page tables make guest-physical memory; the guest has its CR3 for itself, and real mode too (unrestricted guest). */
export class NestedPaging implements GuestPaging {
  readonly kind = 'nested';
  readonly processorControls = 0;
  readonly secondaryControls = SECONDARY.ept | SECONDARY.unrestrictedGuest | SECONDARY.vpid;
  readonly vpid = 1;
  readonly exceptionBitmap = 0;
  readonly cr0Held = CR0_FIXED;
  readonly cr4Held = CR4_FIXED;
  readonly ownsCr3 = true;
  readonly #vcpu: VirtualProcessor;
  readonly #tables: NestedTables;

  constructor(host: Host, vcpu: VirtualProcessor) {
    this.#vcpu = vcpu;
    this.#tables = new NestedTables(host, vcpu.memory);
  }

  start(): Fields {
    return [
      [FIELD.eptPointer, this.#tables.build()],
      [FIELD.eptPointer + 1, 0],
      [FIELD.vpid, this.vpid],
    ];
  }

  stop(): void {
    this.#tables.release();
  }

  remap(): Fields {
    this.#tables.release();
    return this.start();
  }

  isEnterable(): boolean {
    return true;
  }

  registers(): Fields {
    const { i32 } = this.#vcpu;
    const fields: (readonly [number, number])[] = [
      [FIELD.guestCr0, (i32[L.W_CR0] & ~this.cr0Held) | CR0.NE],
      [FIELD.guestCr3, i32[L.W_CR3]],
      [FIELD.guestCr4, i32[L.W_CR4] | CR4.VMXE],
      [FIELD.guestEfer, i32[L.W_MSR + EFER]],
    ];
    for (let n = 0; n < 4; n++) {
      fields.push([FIELD.guestPdpte0 + 2 * n, this.#vcpu.pdpte(n)]);
      fields.push([FIELD.guestPdpte0 + 2 * n + 1, this.#vcpu.pdpteHigh(n)]);
    }
    return fields;
  }
}

/**
 * Before processors had EPT: CR3 is the monitor's and leads to shadow tables, so page faults, loads of CR3, INVLPG and what changes paging
 * exit. Paging is always on in truth; a guest that has it off has shadow tables that map what it takes for physical memory.
 */
export class ShadowedPaging implements GuestPaging {
  readonly kind = 'shadow';
  readonly processorControls = PROCESSOR.cr3LoadExiting | PROCESSOR.cr3StoreExiting | PROCESSOR.invlpgExiting;
  readonly secondaryControls = 0;
  /** What shadow tables mean changes with what they are shadows of: exits empty the TLB, so that nothing has to be told apart. */
  readonly vpid = 0;
  readonly exceptionBitmap = 1 << VECTOR.PF;
  readonly cr0Held = CR0_FIXED | CR0.PE | CR0.PG | CR0.WP;
  readonly cr4Held = CR4_FIXED | CR4.PAE | CR4.PSE | CR4.PGE;
  readonly ownsCr3 = false;
  readonly #vcpu: VirtualProcessor;
  readonly #shadow: ShadowPaging;

  constructor(vcpu: VirtualProcessor, shadow: ShadowPaging) {
    this.#vcpu = vcpu;
    this.#shadow = shadow;
  }

  start(): Fields {
    // Nothing of the monitor lies in the guest's address space: VM exits load CR3.
    this.#shadow.start(MONITOR_ENTRY.nothing);
    return [];
  }

  stop(): void {
    this.#shadow.stop();
  }

  remap(): Fields {
    return [];
  }

  isEnterable(): boolean {
    return isEnterable(this.#vcpu);
  }

  registers(): Fields {
    const { i32 } = this.#vcpu;
    return [
      [FIELD.guestCr0, (i32[L.W_CR0] & ~this.cr0Held) | CR0.PE | CR0.PG | CR0.WP | CR0.NE],
      [FIELD.guestCr3, this.#shadow.root()],
      [FIELD.guestCr4, (i32[L.W_CR4] & ~this.cr4Held) | CR4.PAE | CR4.VMXE],
      [FIELD.guestEfer, i32[L.W_MSR + EFER] | EFER_NXE],
    ];
  }
}
