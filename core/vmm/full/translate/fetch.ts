import { decode } from '../../../ia32/decoder.ts';
import { CS } from '../../../ia32/registers.ts';
import * as L from '../../../machine/cpu/layout.ts';
import { NO_FRAME } from '../../memory/guest-memory.ts';
import type { VirtualProcessor } from '../../vcpu.ts';
import type { GuestInstruction } from './translator.ts';

const PAGE_SIZE = 4096;

/** A guest page that code was read from. */
export interface CodePage {
  /** Linear address of the page. */
  readonly linear: number;
  /** Guest-physical page number. */
  readonly page: number;
}

/** The next byte cannot be part of this unit. */
const OUT_OF_REACH = Symbol('out of reach');

/**
 * Reads guest code for the translator, as the processor would fetch it: through the guest's page tables, whose accessed bits are set, and up
 * to the limit of CS. What would raise a fault, or is not RAM, cannot be translated.
 */
export class CodeReader {
  readonly #vcpu: VirtualProcessor;
  /** Pages that were read since begin(). */
  pages: CodePage[] = [];

  constructor(vcpu: VirtualProcessor) {
    this.#vcpu = vcpu;
  }

  begin(): void {
    this.pages = [];
  }

  /** Reads one instruction; null if it is out of reach. Only a first one may touch a page that was not read before. */
  instructionAt(eip: number, isFirst: boolean): GuestInstruction | null {
    const vcpu = this.#vcpu;
    const linear = (vcpu.base(CS) + eip) | 0;
    const limit = vcpu.segment(CS, L.S_LIMIT) >>> 0;
    const bytes: number[] = [];
    const source = {
      byte: (index: number): number => {
        if ((eip >>> 0) + index > limit) throw OUT_OF_REACH;
        const byte = this.#byte((linear + index) | 0, isFirst);
        bytes.push(byte);
        return byte;
      },
    };
    try {
      const instruction = decode(source, 0, 4);
      return { instruction, bytes, eip, next: (eip + instruction.length) | 0, limit };
    } catch (thrown) {
      if (thrown === OUT_OF_REACH || thrown === vcpu.fault) return null;
      throw thrown;
    }
  }

  #byte(linear: number, isFirst: boolean): number {
    const vcpu = this.#vcpu;
    const start = linear & -PAGE_SIZE;
    let at = this.pages.find(page => page.linear === start);
    if (at === undefined) {
      if (!isFirst) throw OUT_OF_REACH;
      const address = (vcpu.translate(linear, 'execute', false) & vcpu.memory.addressMask) >>> 0;
      if (vcpu.memory.frameAt(address) === NO_FRAME) throw OUT_OF_REACH;
      at = { linear: start, page: address >>> 12 };
      this.pages.push(at);
    }
    return vcpu.memory.read(at.page * PAGE_SIZE + (linear & (PAGE_SIZE - 1)), 1);
  }
}
