import type { Instruction } from '../../../ia32/instruction.ts';
import { CR0 } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import type { Executor } from '../executor.ts';
import * as L from '../layout.ts';
import type { SystemFunction } from '../system.ts';
import * as S from './state.ts';

/** Control instructions and the images of the x87 state in memory (SDM volume 1, 8.1.10 and 10.5). */

export const fnop: SystemFunction = () => {};
export const fninit: SystemFunction = cpu => S.initialize(cpu);

export const fnclex: SystemFunction = cpu => {
  cpu.i32[S.W_STATUS] &= ~(S.EXCEPTIONS | S.SW.stackFault | S.SW.summary | S.SW.busy);
};

export const ffree: SystemFunction = (cpu, i) => S.setEmpty(cpu, i.dst.register, true);
export const ffreep: SystemFunction = (cpu, i) => {
  S.setEmpty(cpu, i.dst.register, true);
  S.pop(cpu);
};

export const fincstp: SystemFunction = cpu => {
  S.setC1(cpu, false);
  S.setTop(cpu, S.top(cpu) + 1);
};

export const fdecstp: SystemFunction = cpu => {
  S.setC1(cpu, false);
  S.setTop(cpu, S.top(cpu) - 1);
};

/** Bit 6 of the control word always reads as 1; bits 15..13 and 7 as 0. */
function setControl(cpu: Executor, word: number): void {
  cpu.i32[S.W_CONTROL] = (word & 0x1f3f) | 0x40;
  S.updateSummary(cpu);
}

export const fldcw: SystemFunction = (cpu, i) => setControl(cpu, cpu.read(i, i.dst));
export const fnstcw: SystemFunction = (cpu, i) => cpu.write(i, i.dst, cpu.i32[S.W_CONTROL]);
export const fnstsw: SystemFunction = (cpu, i) => cpu.write(i, i.dst, cpu.i32[S.W_STATUS]);

/** FWAIT: #NM if MP and TS, then pending exceptions. */
export const fwait: SystemFunction = cpu => {
  const both = CR0.MP | CR0.TS;
  if ((cpu.i32[L.W_CR0] & both) === both) cpu.raiseFault(VECTOR.NM, null);
  S.checkPendingException(cpu);
};

/** One image in memory, read or written field by field from its start. */
class Image {
  readonly #cpu: Executor;
  readonly #segment: number;
  readonly #mask: number;
  #at: number;

  constructor(cpu: Executor, i: Instruction) {
    this.#cpu = cpu;
    this.#segment = i.memory.segment;
    this.#mask = i.memory.mask;
    this.#at = cpu.offset(i);
  }

  get(size: number): number {
    const value = this.#cpu.load(this.#segment, this.#at, size);
    this.#at = (this.#at + size) & this.#mask;
    return value;
  }

  put(size: number, value: number): void {
    this.#cpu.store(this.#segment, this.#at, size, value);
    this.#at = (this.#at + size) & this.#mask;
  }

  skip(bytes: number): void {
    this.#at = (this.#at + bytes) & this.#mask;
  }
}

/** Environment: 14 bytes with 16-bit operands, 28 with 32-bit ones; real mode packs the pointers as linear addresses. */
function putEnvironment(cpu: Executor, i: Instruction, image: Image): void {
  const { i32 } = cpu;
  const size = i.operandSize;
  const upper = size === 4 ? 0xffff0000 : 0;
  image.put(size, i32[S.W_CONTROL] | upper);
  image.put(size, i32[S.W_STATUS] | upper);
  image.put(size, S.tagWord(cpu) | upper);
  if (cpu.usesDescriptors) {
    image.put(size, i32[S.W_INSTRUCTION]);
    image.put(
      size,
      size === 4 ? (i32[S.W_INSTRUCTION_SELECTOR] & 0xffff) | (i32[S.W_OPCODE] << 16) : i32[S.W_INSTRUCTION_SELECTOR],
    );
    image.put(size, i32[S.W_DATA]);
    image.put(size, i32[S.W_DATA_SELECTOR] | upper);
    return;
  }
  const instruction = (i32[S.W_INSTRUCTION_SELECTOR] << 4) + i32[S.W_INSTRUCTION];
  const data = (i32[S.W_DATA_SELECTOR] << 4) + i32[S.W_DATA];
  const opcode = i32[S.W_OPCODE] & 0x7ff;
  if (size === 4) {
    image.put(4, (instruction & 0xffff) | upper);
    image.put(4, ((instruction >>> 16) << 12) | opcode);
    image.put(4, (data & 0xffff) | upper);
    image.put(4, (data >>> 16) << 12);
  } else {
    image.put(2, instruction);
    image.put(2, (((instruction >>> 16) & 15) << 12) | opcode);
    image.put(2, data);
    image.put(2, ((data >>> 16) & 15) << 12);
  }
}

function getEnvironment(cpu: Executor, i: Instruction, image: Image): void {
  const { i32 } = cpu;
  const size = i.operandSize;
  const fields = [0, 0, 0, 0, 0, 0, 0].map(() => image.get(size));
  setStatus(cpu, fields[1]);
  S.setTagWord(cpu, fields[2]);
  setControl(cpu, fields[0]);
  if (cpu.usesDescriptors) {
    i32[S.W_INSTRUCTION] = fields[3];
    i32[S.W_INSTRUCTION_SELECTOR] = fields[4] & 0xffff;
    i32[S.W_OPCODE] = size === 4 ? (fields[4] >>> 16) & 0x7ff : 0;
    i32[S.W_DATA] = fields[5];
    i32[S.W_DATA_SELECTOR] = fields[6] & 0xffff;
  } else {
    i32[S.W_INSTRUCTION] = (fields[3] & 0xffff) | ((fields[4] & 0x0ffff000) << 4);
    i32[S.W_INSTRUCTION_SELECTOR] = 0;
    i32[S.W_OPCODE] = fields[4] & 0x7ff;
    i32[S.W_DATA] = (fields[5] & 0xffff) | ((fields[6] & 0x0ffff000) << 4);
    i32[S.W_DATA_SELECTOR] = 0;
  }
}

function setStatus(cpu: Executor, word: number): void {
  cpu.i32[S.W_STATUS] = word & 0x7f7f;
}

function probe(cpu: Executor, i: Instruction, bytes: number): void {
  cpu.probeStore(i.memory.segment, cpu.offset(i), bytes);
}

/** FNSTENV masks all exceptions afterwards (SDM volume 2, FSTENV). */
export const fnstenv: SystemFunction = (cpu, i) => {
  probe(cpu, i, i.operandSize === 4 ? 28 : 14);
  putEnvironment(cpu, i, new Image(cpu, i));
  cpu.i32[S.W_CONTROL] |= S.EXCEPTIONS;
  S.updateSummary(cpu);
};

export const fldenv: SystemFunction = (cpu, i) => getEnvironment(cpu, i, new Image(cpu, i));

export const fnsave: SystemFunction = (cpu, i) => {
  probe(cpu, i, i.operandSize === 4 ? 108 : 94);
  const image = new Image(cpu, i);
  putEnvironment(cpu, i, image);
  for (let n = 0; n < 8; n++) {
    const word = L.W_X87_REGISTERS + 4 * S.physical(cpu, n);
    image.put(4, cpu.i32[word]);
    image.put(4, cpu.i32[word + 1]);
    image.put(2, cpu.i32[word + 2]);
  }
  S.initialize(cpu);
};

/** All of the image is read before anything changes. */
export const frstor: SystemFunction = (cpu, i) => {
  const end = (i.operandSize === 4 ? 108 : 94) - 1;
  cpu.load(i.memory.segment, (cpu.offset(i) + end) & i.memory.mask, 1);
  const image = new Image(cpu, i);
  getEnvironment(cpu, i, image);
  for (let n = 0; n < 8; n++) {
    const word = L.W_X87_REGISTERS + 4 * S.physical(cpu, n);
    cpu.i32[word] = image.get(4);
    cpu.i32[word + 1] = image.get(4);
    cpu.i32[word + 2] = image.get(2);
  }
};

/** FXSAVE area: 512 bytes on a 16-byte boundary, else #GP(0). The XMM part is left alone: there is no SSE. */
function fxArea(cpu: Executor, i: Instruction): Image {
  const linear = (cpu.base(i.memory.segment) + cpu.offset(i)) | 0;
  if ((linear & 15) !== 0) cpu.generalProtection(0);
  return new Image(cpu, i);
}

const FXSAVE_BYTES = 512;

export const fxsave: SystemFunction = (cpu, i) => {
  const { i32 } = cpu;
  const image = fxArea(cpu, i);
  probe(cpu, i, FXSAVE_BYTES);
  image.put(2, i32[S.W_CONTROL]);
  image.put(2, i32[S.W_STATUS]);
  image.put(2, ~i32[S.W_EMPTY] & 0xff);
  image.put(2, i32[S.W_OPCODE]);
  image.put(4, i32[S.W_INSTRUCTION]);
  image.put(4, i32[S.W_INSTRUCTION_SELECTOR] & 0xffff);
  image.put(4, i32[S.W_DATA]);
  image.put(4, i32[S.W_DATA_SELECTOR] & 0xffff);
  image.skip(8);
  for (let n = 0; n < 8; n++) {
    const word = L.W_X87_REGISTERS + 4 * S.physical(cpu, n);
    image.put(4, i32[word]);
    image.put(4, i32[word + 1]);
    image.put(4, i32[word + 2] & 0xffff);
    image.put(4, 0);
  }
};

export const fxrstor: SystemFunction = (cpu, i) => {
  const { i32 } = cpu;
  const image = fxArea(cpu, i);
  cpu.load(i.memory.segment, (cpu.offset(i) + FXSAVE_BYTES - 1) & i.memory.mask, 1);
  const control = image.get(2);
  const status = image.get(2);
  const full = image.get(2);
  const fields = [image.get(2), image.get(4), image.get(4), image.get(4), image.get(4)];
  image.skip(8);
  setStatus(cpu, status);
  i32[S.W_EMPTY] = ~full & 0xff;
  i32[S.W_OPCODE] = fields[0] & 0x7ff;
  i32[S.W_INSTRUCTION] = fields[1];
  i32[S.W_INSTRUCTION_SELECTOR] = fields[2] & 0xffff;
  i32[S.W_DATA] = fields[3];
  i32[S.W_DATA_SELECTOR] = fields[4] & 0xffff;
  for (let n = 0; n < 8; n++) {
    const word = L.W_X87_REGISTERS + 4 * S.physical(cpu, n);
    i32[word] = image.get(4);
    i32[word + 1] = image.get(4);
    i32[word + 2] = image.get(4) & 0xffff;
    image.skip(4);
  }
  setControl(cpu, control);
};
