import { FLAG, STATUS_FLAGS } from '../../../ia32/flags.ts';
import type { Instruction } from '../../../ia32/instruction.ts';
import { EAX, ECX, EDI, EDX, ES, ESI, ESP, SS } from '../../../ia32/registers.ts';
import { elementSize } from '../../../ia32/semantics/string.ts';
import { PROCESSOR } from '../../../ia32/vmx/controls.ts';
import * as L from '../../cpu/layout.ts';
import { I64, OP } from '../code.ts';
import { statusFlagsOf } from '../flags.ts';
import type { CallOut, ShortWay } from '../frame.ts';
import { importIndex } from '../imports.ts';
import { segmentKind } from '../premises.ts';
import { known, type Value } from '../values.ts';
import { X87Instructions } from '../x87/instructions.ts';
import { COMPARED } from './data.ts';
import type { SystemName } from './kernel.ts';

/** Flags that POPF writes in ring 0 and in ring 3, beside the status flags. TF, AC and RF are not among them: where those change it is the executor's. */
const SYSTEM_FLAGS = FLAG.DF | FLAG.NT | FLAG.ID | FLAG.IF | FLAG.IOPL;
const USER_FLAGS = FLAG.DF | FLAG.NT | FLAG.ID;

const NOTHING = () => {};

/** System instructions and divisions in translated code: flags and interrupts where it stands, others by their short ways (kernel.ts). */
export class SystemInstructions extends X87Instructions {
  /** Local of a quotient in the making. */
  #quotient: number | null = null;

  /** PUSHF, POPF and STI. Returns false for what has to be called out. `left` counts the instruction and those of its block that follow. */
  translateFlags(i: Instruction, offset: number, left: number): boolean {
    const { operation } = i.row;
    const isStack = (operation === 'pushf' || operation === 'popf') && i.operandSize === 4;
    if (!isStack && operation !== 'sti') return false;
    this.beginInstruction(offset, i.length, left);
    if (operation === 'pushf') this.#pushFlags();
    else if (operation === 'popf') this.#popFlags();
    else this.#setInterrupts(left === 1);
    this.endInstruction({ kind: 'next' });
    return true;
  }

  /** DIV and IDIV of 64 bits where the quotient fits. Returns false for what has to be called out. */
  translateDivision(i: Instruction, offset: number, left: number): boolean {
    const { operation } = i.row;
    if ((operation !== 'div' && operation !== 'idiv') || i.dst.size !== 4) return false;
    const { values, code } = this;
    const isSigned = operation === 'idiv';
    this.beginInstruction(offset, i.length, left);
    const divisor = this.read(i, i.dst);
    const [low, high] = [this.register(EAX), this.register(EDX)];
    // The quotient of less than 63 bits by anything but 0 is one of the engine's; without a sign it fits if the high word is below the divisor.
    const isBeyond = isSigned
      ? values.or(values.isZero(divisor), values.compare(OP.eq, high, known(1 << 31)))
      : values.compare(OP.leU, divisor, high);
    this.#leaveIf(isBeyond);
    const extend = isSigned ? OP.extendS64 : OP.extendU64;
    values.push(high);
    code.op(extend);
    code.constant64(32n);
    code.op(OP.shl64);
    values.push(low);
    code.op(OP.extendU64);
    code.op(OP.or64);
    values.push(divisor);
    code.op(extend);
    code.op(isSigned ? OP.divS64 : OP.divU64);
    if (isSigned) this.#leaveUnlessFits();
    code.op(OP.wrap64);
    const quotient = values.pop();
    const remainder = values.sub(low, values.mul(quotient, divisor));
    this.setRegister(EAX, quotient);
    this.setRegister(EDX, remainder);
    this.endInstruction({ kind: 'next' });
    return true;
  }

  /** Leaves if the number of 64 bits on the stack is not one of 32 bits with its sign; else it stays there. */
  #leaveUnlessFits(): void {
    const { code } = this;
    this.#quotient ??= this.values.reserve(I64);
    code.set(this.#quotient);
    code.get(this.#quotient);
    code.get(this.#quotient);
    code.op(OP.wrap64);
    code.op(OP.extendS64);
    code.op(OP.ne64);
    this.leaveIf();
    code.get(this.#quotient);
  }

  #word(word: number): Value {
    this.code.constant(0);
    this.code.memory(OP.load32, word << 2);
    return this.values.pop();
  }

  #eflags(mask: number): Value {
    return this.values.and(this.eflags(), known(mask));
  }

  #leaveIf(condition: Value): void {
    this.values.push(condition);
    this.leaveIf();
  }

  /** What asks to be looked at as soon as interrupts are on. */
  #awaits(): Value {
    const { values } = this;
    return values.or(this.#word(L.W_INTERRUPT), values.and(this.#word(L.W_VMX_WATCH), known(~L.WATCH_TIMER)));
  }

  #pushFlags(): void {
    const { values } = this;
    this.#leaveIf(this.#eflags(FLAG.VM));
    const others = this.#eflags(~(STATUS_FLAGS | FLAG.VM | FLAG.RF));
    this.push(4, values.or(values.or(others, known(FLAG.ONE)), statusFlagsOf(values, this.flags)));
  }

  #popFlags(): void {
    const { values } = this;
    const isUser = (this.premises.word & L.PREMISE.user) !== 0;
    const mask = isUser ? USER_FLAGS : SYSTEM_FLAGS;
    // A user's IOPL decides about IF; rings 1 and 2 are the executor's.
    this.#leaveIf(this.#eflags(isUser ? FLAG.VM | FLAG.IOPL : FLAG.VM));
    if (!isUser) this.#leaveIf(this.#word(L.W_CPL));
    const offset = this.stackPointer();
    const flags = this.load(SS, offset, 4);
    const changed = values.and(values.xor(flags, this.#eflags(-1)), known(FLAG.TF | FLAG.AC));
    const opens = values.and(flags, known(FLAG.IF));
    const mayInterrupt = isUser ? known(0) : values.select(opens, this.#awaits(), known(0));
    this.#leaveIf(values.or(changed, mayInterrupt));
    this.setEflags(values.or(this.#eflags(~mask), values.and(flags, known(mask))));
    this.flags = { kind: 'all', flags: values.and(flags, known(STATUS_FLAGS)) };
    this.setStackPointer(values.add(offset, known(4)));
  }

  /**
   * No interrupt can come between STI and the instruction behind it where none waits and that instruction has a step: so nobody can see the shadow
   * that holds them off (SDM volume 2, STI), but for the monitor of a guest that exits there.
   */
  #setInterrupts(isLast: boolean): void {
    const { values } = this;
    const isOff = values.isZero(this.#eflags(FLAG.IF));
    const isGuest = values.compare(OP.eq, this.#word(L.W_VMX_OPERATION), known(L.VMX_NON_ROOT));
    const isSeen = [isGuest, isLast ? this.noSteps() : known(0)].reduce((a, b) => values.or(a, b), this.#awaits());
    this.#leaveIf(values.or(this.#word(L.W_CPL), values.select(isOff, isSeen, known(0))));
    this.setEflags(values.or(this.eflags(), known(FLAG.IF)));
  }

  /** As callOut(), by the short way of the instruction if it has one. */
  callOutShort(call: CallOut, i: Instruction, offset: number, left: number, needed: number): void {
    this.callOut(call, offset, i.length, left, needed, this.shortWay(i));
  }

  /** As callOutAndLeave(), by the short way of the instruction if it has one. */
  callOutLast(call: CallOut, i: Instruction, offset: number): void {
    this.callOutAndLeave(call, offset, this.shortTransfer(i, known((offset + i.length) | 0)));
  }

  #call(name: SystemName): void {
    this.code.call(importIndex(name));
  }

  /** The short way of one that ends its block, to an offset in CS behind it: leaves 1 on the stack where it has done all, else 0. */
  protected shortTransfer(i: Instruction, next: Value): (() => void) | null {
    switch (i.row.operation) {
      case 'int':
        return () => {
          this.code.constant(i.dst.value & 0xff);
          this.values.push(next);
          this.#call('interrupt');
        };
      case 'iret':
        return i.operandSize === 4 ? () => this.#call('interruptReturn') : null;
      case 'sysenter':
        return () => this.#call('sysenter');
      case 'sysexit':
        return () => this.#call('sysexit');
      default:
        return null;
    }
  }

  protected shortWay(i: Instruction): ShortWay | null {
    switch (i.row.operation) {
      case 'movToSegment':
        return i.dst.register === SS ? null : this.#loadingSegment(i, NOTHING);
      case 'popSegment': {
        const isWide = i.operandSize === 4 && this.premises.stackMask === -1;
        return i.dst.register === SS || !isWide ? null : this.#loadingSegment(i, () => this.#advance(ESP, known(4)));
      }
      case 'repMovs':
      case 'repStos':
        return this.#shortString(i);
      case 'repScas':
      case 'repCmps':
        return this.#shortComparison(i);
      case 'rdtsc':
        return this.#timeStamp();
      case 'nop':
        return i.row.intercept === 'pause' ? this.#pause() : null;
      default:
        return null;
    }
  }

  #loadingSegment(i: Instruction, finish: () => void): ShortWay {
    const { values, code } = this;
    return {
      ask: () => {
        const isPop = i.row.operation === 'popSegment';
        const selector = values.and(isPop ? this.load(SS, this.register(ESP), 4) : this.read(i, i.src), known(0xffff));
        code.constant(i.dst.register);
        values.push(selector);
        this.#call('loadSegment');
      },
      finish,
    };
  }

  #timeStamp(): ShortWay {
    return {
      ask: () => {
        this.values.push(this.steps());
        this.#call('timeStamp');
      },
      finish: () => {
        this.setInPlace(EAX, this.#word(L.SCRATCH >> 2));
        this.setInPlace(EDX, this.#word((L.SCRATCH >> 2) + 1));
      },
    };
  }

  #pause(): ShortWay {
    const { values } = this;
    const ask = () =>
      values.push(values.isZero(values.and(this.#word(L.W_VMX_PROCESSOR), known(PROCESSOR.pauseExiting))));
    return { ask, finish: NOTHING };
  }

  /** Gives a register in its local a value. */
  protected setInPlace(register: number, value: Value): void {
    this.written.add(register);
    this.values.push(value);
    this.code.set(register);
  }

  #advance(register: number, by: Value): void {
    this.setInPlace(register, this.values.add(this.register(register), by));
  }

  /** Repeated MOVS and STOS of bytes and words of 32 bits, between segments without base and limit. */
  #shortString(i: Instruction): ShortWay | null {
    const isCopy = i.row.operation === 'repMovs';
    const size = elementSize(i);
    const isFlat = segmentKind(this.premises, ES) === L.SEGMENT_FLAT;
    if (i.addressSize !== 4 || size === 2 || !isFlat || (isCopy && !this.#readsFlat(i.segment))) return null;
    const { values, code } = this;
    return {
      ask: () => {
        // Nothing is short where it goes down.
        const isUp = values.isZero(this.#eflags(FLAG.DF));
        values.push(values.select(isUp, this.register(ECX), known(0)));
        const operands = isCopy ? [ESI, EDI] : [EDI, EAX];
        for (const register of operands) values.push(this.register(register));
        code.constant(size);
        this.#call(isCopy ? 'copy' : 'fill');
      },
      finish: () => {
        for (const register of isCopy ? [ESI, EDI] : [EDI]) {
          this.#advance(register, values.mul(this.register(ECX), known(size)));
        }
        this.setInPlace(ECX, known(0));
      },
    };
  }

  #readsFlat(segment: number): boolean {
    const kind = segmentKind(this.premises, segment);
    return kind === L.SEGMENT_FLAT || kind === L.SEGMENT_FLAT_READ_ONLY;
  }

  /** The same of SCAS and CMPS. */
  #shortComparison(i: Instruction): ShortWay | null {
    const isScan = i.row.operation === 'repScas';
    const size = elementSize(i);
    const isFlat = this.#readsFlat(ES) && (isScan || this.#readsFlat(i.segment));
    if (i.addressSize !== 4 || size === 2 || !isFlat) return null;
    const { values, code } = this;
    return {
      ask: () => {
        const isUp = values.isZero(this.#eflags(FLAG.DF));
        values.push(values.select(isUp, this.register(ECX), known(0)));
        values.push(isScan ? this.registerPart(EAX, size) : this.register(ESI));
        values.push(this.register(EDI));
        code.constant(size);
        code.constant(i.repeat === 0xf3 ? 1 : 0);
        this.#call(isScan ? 'scanAll' : 'compareBoth');
      },
      finish: () => {
        const count = this.#word(COMPARED.count);
        for (const register of isScan ? [EDI] : [ESI, EDI]) this.#advance(register, values.mul(count, known(size)));
        this.setInPlace(ECX, values.sub(this.register(ECX), count));
        const [a, b] = [this.#word(COMPARED.a), this.#word(COMPARED.b)];
        const r = values.zeroExtend(values.sub(a, b), size);
        this.flags = { kind: 'sub', size, a, b, r, chained: false };
      },
    };
  }
}
