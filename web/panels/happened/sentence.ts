import type { CodeRow, Registers, View } from '../../../core/protocol/messages.ts';
import { count, hex } from '../../format.ts';
import type { Executed } from '../../stores/machine.ts';

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
    const state = facts.idle
      ? 'The processor waits in `hlt` until an interrupt comes. Virtual time goes on.'
      : 'The guest is running. Pause it to look around.';
    return { instruction: null, state, next: null, rings: null };
  }
  const changed = before !== null && before.cpl !== view.registers.cpl;
  const rings: Account['rings'] = changed ? [before.cpl, view.registers.cpl] : null;
  const executed = view.stop.kind === 'step' ? facts.executed : null;
  if (executed !== null && before !== null) {
    return {
      instruction: plain(executed.row),
      state: stepSentence(executed, before, view.registers),
      next: nextSentence('Next', row, view.registers),
      rings,
    };
  }
  return { instruction: row === null ? null : plain(row), state: stopSentence(facts), next: null, rings };
}

/** An instruction in one line, null where nothing is mapped. */
function plain(row: CodeRow): string | null {
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
function stepSentence({ row, retired }: Executed, before: Registers, now: Registers): string {
  const text = plain(row) ?? '';
  const sequential = now.eip === (before.eip + row.bytes.length) >>> 0;
  const interrupted = interruptsOn(before) && !interruptsOn(now) && !CLEARS_IF.test(text);
  const own = TRANSFER.test(text) || now.eip === before.eip;
  if (!sequential && retired <= 1 && (interrupted || retired === 0 || !own)) {
    const ring = before.cpl === now.cpl ? '' : `, and from ring ${before.cpl} into ring ${now.cpl}`;
    return `An exception or an interrupt came instead: the processor went through the IDT to \`${hex(now.eip)}\`${ring}.`;
  }
  if (before.cpl > now.cpl) {
    return `It led from ring ${before.cpl} into ring ${now.cpl}, through a gate that the kernel has set up: the kernel has control now.`;
  }
  if (before.cpl < now.cpl) {
    return `It led from ring ${before.cpl} out to ring ${now.cpl}, where privileged instructions trap.`;
  }
  if (retired > 1) return `It ran to its return: ${count(retired)} instructions.`;
  if (now.eip === before.eip) return 'It ran once, and will run again: it repeats itself or loops to itself.';
  if (!sequential) return `It ran, and led to \`${hex(now.eip)}\`.`;
  switch (row.class) {
    case 'plain':
      return 'It ran: an ordinary instruction, the same in every ring.';
    case 'privileged':
      return 'It is privileged. The kernel is in ring 0 and no monitor is below it, so it simply ran.';
    case 'sensitive':
      return now.cpl === 0
        ? 'It is sensitive, but not privileged. In ring 0 it did what the kernel expects; elsewhere it would do something else, without a trap.'
        : `It is sensitive, but not privileged: in ring ${now.cpl} it ran without a trap, and saw or lost machine state.`;
    case 'io':
      return `It depends on IOPL. CPL ${now.cpl} and IOPL ${iopl(before)} let it run.`;
  }
}

/** EFLAGS.IF. */
function interruptsOn(registers: Registers): boolean {
  return (registers.eflags & 0x200) !== 0;
}

/** Why the machine stands here, when it was no single step. */
function stopSentence({ view, row }: Facts): string {
  const { stop, registers } = view;
  const text = row === null ? null : plain(row);
  const here = text === null ? `\`${hex(registers.eip)}\`` : `\`${text}\``;
  const more = nextSentence(null, row, registers);
  const after = more === null ? '' : ` ${more}`;
  switch (stop.kind) {
    case 'start':
      return 'Nothing has run yet. The loader has put the guest into memory, and the processor stands before its first instruction.';
    case 'privileged':
      if (row?.class === 'io') {
        return `Paused before ${here}, the first instruction that only a kernel may execute: it needs CPL ≤ IOPL. The kernel is in ring ${registers.cpl}, so it simply runs. Press Step.`;
      }
      return registers.cpl === 0
        ? `Paused before ${here}, the first privileged instruction. The kernel is in ring 0 and no monitor is below it, so it simply runs. Press Step.`
        : `Paused before ${here}, the first privileged instruction. Outside of ring 0 it raises #GP(0). Press Step.`;
    case 'pause':
      return `Paused before ${here}.${after}`;
    case 'step':
      return `Stepped. Next is ${here}.${after}`;
    case 'breakpoint':
      return `Stopped at the breakpoint at \`${hex(stop.address)}\`, before ${here}.${after}`;
    case 'powerOff':
      return 'The guest has switched the machine off. Press Reset to start it again.';
    case 'deadHalt':
      return 'The processor executed `hlt` with interrupts off, so nothing can wake it. Press Reset to start again.';
    case 'tripleFault':
      return 'An exception could not be delivered, nor the double fault that followed, so the processor shut down. Press Reset.';
    case 'unimplemented':
      return `Ringside does not do ${here} yet. The machine stands before it.`;
  }
}

/** About the next instruction, when its class says something; with `lead` always at least its name. */
function nextSentence(lead: 'Next' | null, row: CodeRow | null, registers: Registers): string | null {
  const text = row === null ? null : plain(row);
  if (row === null || text === null) return null;
  const { cpl } = registers;
  const start = lead === null ? 'It is' : `${lead}: \`${text}\`,`;
  switch (row.class) {
    case 'plain':
      return lead === null ? null : `${lead}: \`${text}\`.`;
    case 'privileged':
      return cpl === 0
        ? `${start} privileged. In ring 0 it simply runs.`
        : `${start} privileged. In ring ${cpl} it raises #GP(0), and the kernel gets control through the IDT.`;
    case 'sensitive':
      return `${start} sensitive, but not privileged: it never traps.`;
    case 'io':
      return cpl <= iopl(registers)
        ? `${start} subject to IOPL. CPL ${cpl} is not above it, so it runs.`
        : `${start} subject to IOPL. CPL ${cpl} is above IOPL ${iopl(registers)}, so it traps unless the I/O bitmap of the TSS lets it pass.`;
  }
}

/** I/O privilege level: EFLAGS bits 13 and 12 (SDM 3A, 2.3). */
function iopl(registers: Registers): number {
  return (registers.eflags >>> 12) & 3;
}
