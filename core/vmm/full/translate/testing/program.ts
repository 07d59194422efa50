import type { Random } from '../../../../machine/testing/random.ts';
import { CODE, DATA, DATA_BYTES, KERNEL_CODE, KERNEL_DATA } from '../../../testing/world.ts';

/**
 * Random kernel programs for the small world that always end: functions, loops and branches of every kind, the sensitive instructions, code
 * that changes itself, and a page of code that is mapped elsewhere.
 */

/** A page of code, at the same linear address in two versions: its own frame's and one in the data. */
const OTHER_PAGE = CODE + 0x1000;
const OTHER_FRAME = DATA;
const SCRATCH = DATA + 0x400;
const SCRATCH_BYTES = 0x800;
const TABLE = 0x5000;
const PAE_TABLE = 0x8000;
const GDT = 0x1000;
const LDT = 0x3800;

/** Registers that statements may write: not ESP, and not EBP, which counts loops. */
const REGISTERS = [0, 1, 2, 3, 6, 7] as const;
const COUNTER = 5;

export type ProgramPaging = 'none' | '32-bit' | 'pae';

export interface Program {
  readonly bytes: Uint8Array;
  /** What the first data page must hold. */
  readonly otherVersion: Uint8Array;
}

function imm32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

class Assembler {
  readonly #random: Random;
  readonly #paging: ProgramPaging;
  readonly bytes: number[] = [];
  readonly #labels: number[] = [];
  readonly #absolute: { at: number; label: number }[] = [];
  readonly #relative: { at: number; label: number }[] = [];
  /** Offsets of immediates of MOV reg, imm32, which may be overwritten. */
  readonly #immediates: number[] = [];
  #depth = 0;

  constructor(random: Random, paging: ProgramPaging) {
    this.#random = random;
    this.#paging = paging;
  }

  add(...bytes: number[]): void {
    this.bytes.push(...bytes);
  }

  label(): number {
    return this.#labels.push(-1) - 1;
  }

  here(label: number): void {
    this.#labels[label] = CODE + this.bytes.length;
  }

  addressOf(label: number): void {
    this.#absolute.push({ at: this.bytes.length, label });
    this.add(0, 0, 0, 0);
  }

  displacementTo(label: number): void {
    this.#relative.push({ at: this.bytes.length, label });
    this.add(0, 0, 0, 0);
  }

  finish(): Uint8Array {
    const bytes = Uint8Array.from(this.bytes);
    const view = new DataView(bytes.buffer);
    for (const { at, label } of this.#absolute) view.setInt32(at, this.#labels[label], true);
    for (const { at, label } of this.#relative) view.setInt32(at, this.#labels[label] - (CODE + at + 4), true);
    return bytes;
  }

  #register(): number {
    return this.#random.pick(REGISTERS);
  }

  #scratch(): number[] {
    return imm32(SCRATCH + 4 * this.#random.below(SCRATCH_BYTES / 4));
  }

  #plain(): void {
    this.add(...this.#plainBytes());
  }

  #plainBytes(): number[] {
    const random = this.#random;
    const modrm = 0xc0 | (this.#register() << 3) | this.#register();
    switch (random.below(9)) {
      case 0:
        return [(random.below(8) << 3) | 1, modrm];
      case 1:
        return [(random.below(8) << 3) | 3, (this.#register() << 3) | 5, ...this.#scratch()];
      case 2:
        return [0x89, (this.#register() << 3) | 5, ...this.#scratch()];
      case 3:
        this.#immediates.push(this.bytes.length + 1);
        return [0xb8 | this.#register(), ...imm32(random.word())];
      case 4:
        return [0xc1, 0xc0 | (random.below(8) << 3) | this.#register(), random.below(33)];
      case 5:
        return [0x50 | this.#register(), 0x58 | this.#register()];
      case 6:
        return [0x0f, random.pick([0xaf, 0xb6, 0xbe, 0x42, 0x4d]), modrm];
      case 7:
        return [0x83, 0x84 | (random.below(8) << 3), 0x24, 0xfc, 0xff, 0xff, 0xff, random.below(256)];
      default:
        return [...random.pick([[0x9e], [0xf5], [0xfd], [0xfc], [0x40], [0x4a], [0x98], [0x99], [0xd9, 0xe8]])];
    }
  }

  /** Control comes to a label by way of some transfer. */
  #transfer(): void {
    const target = this.label();
    const register = this.#register();
    switch (this.#random.below(9)) {
      case 0:
        this.add(0xe9);
        this.displacementTo(target);
        break;
      case 1:
        this.add(0x0f, 0x80 | this.#random.below(16));
        this.displacementTo(target);
        break;
      case 2:
        this.add(0xb8 | register);
        this.addressOf(target);
        this.add(0xff, 0xe0 | register);
        break;
      case 3:
        this.add(0xc7, 0x05, ...imm32(SCRATCH));
        this.addressOf(target);
        this.add(0xff, 0x25, ...imm32(SCRATCH));
        break;
      case 4:
        this.add(0x68);
        this.addressOf(target);
        this.add(0xc3);
        break;
      case 5:
        this.add(0x68, ...imm32(this.#random.word() & 0x0ed5), 0x0e, 0x68);
        this.addressOf(target);
        this.add(0xcf);
        break;
      case 6:
        this.add(0xea);
        this.addressOf(target);
        this.add(KERNEL_CODE, 0);
        break;
      case 7:
        this.add(0xe3, 5, 0xe9);
        this.displacementTo(target);
        break;
      default:
        this.add(0x0e, 0x68);
        this.addressOf(target);
        this.add(0xcb);
    }
    for (let n = this.#random.below(3); n > 0; n--) this.#plain();
    this.here(target);
  }

  #loop(functions: readonly number[]): void {
    const start = this.label();
    this.add(0x55, 0xb8 | COUNTER, ...imm32(1 + this.#random.below(6)));
    this.here(start);
    for (let n = 1 + this.#random.below(3); n > 0; n--) this.statement(functions);
    this.add(0x4d, 0x0f, 0x85);
    this.displacementTo(start);
    this.add(0x5d);
  }

  #countDown(): void {
    const start = this.label();
    this.add(0xb9, ...imm32(1 + this.#random.below(6)), 0x90);
    this.here(start);
    const before = this.bytes.length;
    this.add(0x05, ...imm32(this.#random.word()));
    this.add(this.#random.pick([0xe2, 0xe2, 0xe1, 0xe0]), before - this.bytes.length - 2);
  }

  #call(target: number): void {
    const register = this.#register();
    switch (this.#random.below(4)) {
      case 0:
        this.add(0xe8);
        this.displacementTo(target);
        break;
      case 1:
        this.add(0xb8 | register);
        this.addressOf(target);
        this.add(0xff, 0xd0 | register);
        break;
      case 2:
        this.add(0x68);
        this.addressOf(target);
        this.add(0xff, 0x14, 0x24, 0x59);
        break;
      default:
        // Far, to a piece that calls and returns far.
        this.add(0x9a, 0, 0, 0, 0, KERNEL_CODE, 0);
        this.#absolute.push({ at: this.bytes.length - 6, label: this.#far(target) });
    }
  }

  /** CALL target; RETF. */
  #far(target: number): number {
    const [over, start] = [this.label(), this.label()];
    const jump = this.bytes.length;
    this.add(0xeb, 0);
    this.here(start);
    this.add(0xe8);
    this.displacementTo(target);
    this.add(0xcb);
    this.here(over);
    this.bytes[jump + 1] = this.bytes.length - jump - 2;
    return start;
  }

  #sensitiveBytes(): number[] {
    const random = this.#random;
    const register = this.#register();
    const store = random.pick([0x0d, 0x05]);
    switch (random.below(20)) {
      case 0:
        return [0x9c, 0x58 | register];
      case 1:
        return [0x68, ...imm32(random.word() & 0x3ed5), 0x9d];
      case 2:
        return [random.pick([0xfa, 0xfb])];
      case 3:
        return [0xfb, ...random.pick([[0xfa], [0xfb], [0x9c, 0x5b], [0x40], [0x9d, 0x9c], [0x90]]).slice(0, 1)];
      case 4:
        return [random.pick([0x0e, 0x16, 0x06, 0x1e]), 0x58 | register];
      case 5:
        return [0x0f, random.pick([0xa0, 0xa8]), 0x58 | register];
      case 6:
        return [0x8c, 0xc0 | (random.below(6) << 3) | register];
      case 7:
        return [0x8c, (random.below(6) << 3) | 5, ...this.#scratch()];
      case 8:
        return [0x0f, 0x01, store, ...imm32(SCRATCH + 8 * random.below(64))];
      case 9:
        return [0x0f, 0x00, 0xc0 | (random.below(2) << 3) | register];
      case 10:
        return [0x0f, 0x01, 0xe0 | register];
      case 11:
        return [0xb8 | register, ...imm32(KERNEL_CODE), 0x0f, random.pick([2, 3]), 0xc0 | (register << 3) | register];
      case 12:
        return [0xb8 | register, ...imm32(KERNEL_DATA), 0x0f, 0x00, random.pick([0xe0, 0xe8]) | register];
      case 13:
        return [0x6a, KERNEL_DATA, ...random.pick([[0x07], [0x1f], [0x17], [0x0f, 0xa1], [0x0f, 0xa9]])];
      case 14: {
        const selector = random.pick([KERNEL_DATA, KERNEL_DATA, 0x23, 0x40]);
        const segment = random.pick(selector === KERNEL_DATA ? [0, 2, 3, 4, 5] : [4, 5]);
        return [0xb8 | register, ...imm32(selector), 0x8e, 0xc0 | (segment << 3) | register];
      }
      case 15:
        return [0x65, 0x8b, (register << 3) | 5, ...this.#scratch()];
      case 16:
        return [0x2e, 0x8b, (register << 3) | 5, ...imm32(CODE + random.below(64))];
      case 17:
        return [0x0f, 0x20, random.pick([0xc0, 0xd0, 0xd8, 0xe0]) | register];
      case 18:
        return [0x0f, 0x20, 0xd8 | register, 0x0f, 0x22, 0xd8 | register];
      default:
        // Where am I?
        return [0xe8, 0, 0, 0, 0, 0x8f, 0x05, ...this.#scratch()];
    }
  }

  #modify(): void {
    const immediates = this.#immediates;
    if (immediates.length === 0) return;
    const at = CODE + this.#random.pick(immediates) + this.#random.below(4);
    this.add(0xc6, 0x05, ...imm32(at), this.#random.below(256));
  }

  /** Maps the other page of code to one of its versions, and calls it. */
  #remap(): void {
    if (this.#paging !== 'none') {
      const frame = this.#random.pick([OTHER_PAGE, OTHER_FRAME]);
      const pae = this.#paging === 'pae';
      const entry = pae ? PAE_TABLE + (OTHER_PAGE >>> 12) * 8 : TABLE + (OTHER_PAGE >>> 12) * 4;
      this.add(0xc7, 0x05, ...imm32(entry), ...imm32(frame | 3));
      if (this.#random.once(2)) this.add(0x0f, 0x01, 0x3d, ...imm32(OTHER_PAGE));
      else this.add(0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8);
    }
    const register = this.#register();
    this.add(0xb8 | register, ...imm32(OTHER_PAGE + 0x10 * this.#random.below(2)), 0xff, 0xd0 | register);
  }

  statement(functions: readonly number[]): void {
    const random = this.#random;
    this.#depth++;
    const kind = random.below(20);
    if (kind < 7 || this.#depth > 4) this.#plain();
    else if (kind < 10) this.#transfer();
    else if (kind < 11) this.#loop(functions);
    else if (kind < 12) this.#countDown();
    else if (kind < 14 && functions.length > 0) this.#call(random.pick(functions));
    else if (kind < 18) this.add(...this.#sensitiveBytes());
    else if (kind < 19) this.#modify();
    else this.#remap();
    this.#depth--;
  }

  /** A function that may call those of `later`; the caller's stack is left as it was, but for `released` bytes. */
  function(label: number, later: readonly number[], statements: number): void {
    this.here(label);
    for (let n = 0; n < statements; n++) this.statement(later);
    this.add(0xc3);
  }

  /** Both versions of the other page: two functions 16 bytes apart, the second over the edge of a unit. */
  static otherPage(value: number): number[] {
    const first = [0x05, ...imm32(value), 0x9c, 0x5a, 0xc3];
    const second = [0x35, ...imm32(~value), 0x0e, 0x5b, 0xc3];
    return [...first, ...new Array<number>(16 - first.length).fill(0x90), ...second];
  }
}

/** A program of a few dozen statements. Null if it came out longer than a page. */
export function createProgram(random: Random, paging: ProgramPaging): Program | null {
  const code = new Assembler(random, paging);
  const functions = Array.from({ length: 3 }, () => code.label());
  // The descriptor tables' pages are accessed, as they are on a machine that reads them itself.
  code.add(0xa1, ...imm32(GDT), 0xa1, ...imm32(LDT));
  for (let n = 4 + random.below(16); n > 0; n--) code.statement(functions);
  code.add(0xfa, 0xf4, 0xeb, 0xfc);
  functions.forEach((label, n) => {
    code.function(label, functions.slice(n + 1), 1 + random.below(4));
  });
  if (code.bytes.length > OTHER_PAGE - CODE) return null;
  const bytes = new Uint8Array(OTHER_PAGE - CODE + 64);
  bytes.set(code.finish());
  bytes.set(Assembler.otherPage(random.word()), OTHER_PAGE - CODE);
  return { bytes, otherVersion: Uint8Array.from(Assembler.otherPage(random.word())) };
}

/** The data that a program begins with. */
export function dataFor(program: Program): Uint8Array {
  const data = new Uint8Array(DATA_BYTES);
  data.set(program.otherVersion);
  return data;
}
