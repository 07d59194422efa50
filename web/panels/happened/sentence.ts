import type { CodeRow, Registers, View } from '../../../core/protocol/messages.ts';
import { count, hex } from '../../format.ts';
import { type ModeName, modeOf } from '../../modes.ts';
import type { Executed } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { inMode } from './in-mode.ts';
import { kindOf } from './instruction-kind.ts';

/** What the machine is doing and why it stands where it stands, in plain sentences. Code is between backticks. */
export interface Account {
  /** The instruction that this is about: the one that was just executed, else the one that comes next. */
  readonly instruction: string | null;
  readonly state: string;
  /** What comes next, when that is not what the account is about. */
  readonly next: string | null;
  /** Privilege before and after the last step, when it has changed. */
  readonly rings: readonly [Registers['cpl'], Registers['cpl']] | null;
}

interface Facts {
  readonly view: View;
  /** The next instruction. */
  readonly row: CodeRow | null;
  /** Registers at the stop before. */
  readonly before: Registers | null;
  readonly executed: Executed | null;
  /** Whether a running guest spends its time in HLT. */
  readonly idle: boolean;
}

export function account(facts: Facts): Account {
  const { view, row, before } = facts;
  if (view.running) {
    const isSearching = view.past?.isSearching === true;
    const state = isSearching
      ? laterText.breaks.searching
      : facts.idle
        ? laterText.happened.idle
        : laterText.happened.running;
    return { instruction: null, state, next: null, rings: null };
  }
  const changed = before !== null && before.cpl !== view.registers.cpl;
  const rings: Account['rings'] = changed ? [before.cpl, view.registers.cpl] : null;
  const executed = view.stop.kind === 'step' ? facts.executed : null;
  if (executed !== null && before !== null) {
    return {
      instruction: plain(executed.row),
      state: stepSentence(executed, before, view.registers, modeOf(view.monitor.setting)),
      next: nextSentence(row, view, true),
      rings,
    };
  }
  const { seat, machine } = view.monitor;
  if (view.stop.kind === 'step' && seat.inMonitor && machine !== null) {
    const state = laterText.happened.step.machine(hex(machine.eip));
    return { instruction: null, state, next: nextSentence(row, view, true), rings: null };
  }
  return { instruction: row === null ? null : plain(row), state: stopSentence(facts), next: null, rings };
}

/** An instruction in one line, null where nothing is mapped. */
export function plain(row: CodeRow): string | null {
  return row.bytes.length === 0 ? null : row.text.replace(/\s+/g, ' ');
}

/** Instructions that lead elsewhere by themselves. */
const TRANSFER = /^(j|call|ret|int|iret|loop|sysenter|sysexit|into|bound)/;
/** Instructions after which interrupts may be off without an interrupt having come. */
const CLEARS_IF = /^(int|cli|popf|iret|sysenter)/;

/**
 * What one step has done. The view does not say whether an exception or an interrupt came, but where the processor stands
 * does.
 */
function stepSentence({ row, retired }: Executed, before: Registers, now: Registers, mode: ModeName): string {
  const words = laterText.happened.step;
  if (mode !== 'bare') return monitoredStep(row, before, now, mode);
  const instruction = plain(row) ?? '';
  const sequential = now.eip === (before.eip + row.bytes.length) >>> 0;
  const interrupted = interruptsOn(before) && !interruptsOn(now) && !CLEARS_IF.test(instruction);
  const own = TRANSFER.test(instruction) || now.eip === before.eip;
  if (!sequential && retired <= 1 && (interrupted || retired === 0 || !own)) {
    const to = hex(now.eip);
    return before.cpl === now.cpl ? words.diverted(to) : words.divertedAcross(to, before.cpl, now.cpl);
  }
  if (before.cpl > now.cpl) return words.inward(before.cpl, now.cpl);
  if (before.cpl < now.cpl) return words.outward(before.cpl, now.cpl);
  if (retired > 1) return words.returned(count(retired));
  if (now.eip === before.eip) return words.again;
  if (!sequential) return words.led(hex(now.eip));
  switch (row.class) {
    case 'plain':
      return words.plain;
    case 'privileged':
      return words.privileged;
    case 'sensitive':
      return now.cpl === 0 ? words.sensitive : words.sensitiveElsewhere(now.cpl);
    case 'io':
      return words.io(now.cpl, iopl(before));
  }
}

/** A step under the monitor that took the guest nowhere near it. The machine's own instructions are in the count, which says nothing then. */
function monitoredStep(row: CodeRow, before: Registers, now: Registers, mode: ModeName): string {
  const words = laterText.happened.step;
  if (before.cpl > now.cpl) return words.inward(before.cpl, now.cpl);
  if (before.cpl < now.cpl) return words.outward(before.cpl, now.cpl);
  const sequential = now.eip === (before.eip + row.bytes.length) >>> 0;
  const kind = kindOf(row, before.cpl === 3);
  if (kind === null || kind === 'plain') {
    if (now.eip === before.eip) return words.again;
    return sequential ? words.plain : words.led(hex(now.eip));
  }
  const { outcome, why } = inMode(kind, mode);
  // Had it come to the monitor, that would be told instead.
  return outcome === 'traps' || outcome === 'exits' ? words.emulated : laterText.inMode.sentence[outcome](why);
}

/** EFLAGS.IF. */
function interruptsOn(registers: Registers): boolean {
  return (registers.eflags & 0x200) !== 0;
}

/** Why the machine stands here, when it was no single step. */
function stopSentence({ view, row }: Facts): string {
  const words = laterText.happened.stop;
  const { stop, registers } = view;
  const here = (row === null ? null : plain(row)) ?? hex(registers.eip);
  const fate = fateUnder(view, row);
  const more = nextSentence(row, view, false);
  const withMore = (sentence: string): string => (more === null ? sentence : laterText.happened.join(sentence, more));
  switch (stop.kind) {
    case 'start':
      return words.start;
    case 'privileged':
      if (fate !== null)
        return row?.class === 'io' ? words.privilegedIoUnder(here, fate) : words.privilegedUnder(here, fate);
      if (row?.class === 'io') return words.privilegedIo(here, registers.cpl);
      return registers.cpl === 0 ? words.privileged(here) : words.privilegedElsewhere(here);
    case 'pause':
      return withMore(words.pause(here));
    case 'step':
      return withMore(words.step(here));
    case 'breakpoint':
      return withMore(words.breakpoint(hex(stop.address), here));
    case 'powerOff':
      return words.powerOff;
    case 'deadHalt':
      return words.deadHalt;
    case 'tripleFault':
      return words.tripleFault;
    case 'unimplemented':
      return words.unimplemented(here);
  }
}

/** What a mode with a monitor makes of an instruction that is no ordinary one; null for the others, and bare. */
function fateUnder({ registers, monitor }: View, row: CodeRow | null): string | null {
  const mode = modeOf(monitor.setting);
  const kind = row === null ? null : kindOf(row, registers.cpl === 3);
  if (mode === 'bare' || kind === null || kind === 'plain') return null;
  const { outcome, why } = inMode(kind, mode);
  return laterText.inMode.sentence[outcome](why);
}

/** About the next instruction: always something when it is to be named, else only when its class says something. */
function nextSentence(row: CodeRow | null, { registers, monitor }: View, named: boolean): string | null {
  const words = laterText.happened.next;
  const instruction = row === null ? null : plain(row);
  if (row === null || instruction === null) return null;
  const name = named ? instruction : null;
  const { cpl } = registers;
  const mode = modeOf(monitor.setting);
  const kind = kindOf(row, cpl === 3);
  if (mode !== 'bare' && kind !== null && kind !== 'plain') {
    const { outcome, why } = inMode(kind, mode);
    return words.inMode(name, laterText.inMode.verb[outcome], why);
  }
  switch (row.class) {
    case 'plain':
      return named ? words.plain(instruction) : null;
    case 'privileged':
      return cpl === 0 ? words.privileged(name) : words.privilegedElsewhere(name, cpl);
    case 'sensitive':
      return words.sensitive(name);
    case 'io':
      return cpl <= iopl(registers) ? words.io(name, cpl) : words.ioTraps(name, cpl, iopl(registers));
  }
}

/** I/O privilege level: EFLAGS bits 13 and 12 (SDM 3A, 2.3). */
function iopl(registers: Registers): number {
  return (registers.eflags >>> 12) & 3;
}
