import type { CodeRow, Registers, View } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';

/** What the machine is doing and why it stands where it stands, in plain sentences. Code is between backticks. */
export interface Account {
  readonly state: string;
  /** About the next instruction, when there is something to say. */
  readonly next: string | null;
  /** A change of privilege by the last step. */
  readonly rings: readonly [Registers['cpl'], Registers['cpl']] | null;
}

const IOPL_SHIFT = 12;

export function account(view: View, row: CodeRow | null, before: Registers | null): Account {
  const { cpl } = view.registers;
  if (view.running) {
    const state = view.halted
      ? 'The processor waits in `hlt` until an interrupt comes. Virtual time goes on.'
      : 'The guest is running. Pause it to look around.';
    return { state, next: null, rings: null };
  }
  const state = stopSentence(view, row, before);
  const rings: Account['rings'] = before !== null && before.cpl !== cpl ? [before.cpl, cpl] : null;
  const speaksOfNext = view.stop.kind === 'step' || view.stop.kind === 'pause' || view.stop.kind === 'breakpoint';
  return { state, next: speaksOfNext && row !== null ? nextSentence(row, view.registers) : null, rings };
}

/** The row as a person would name it: its text, else its address. */
function named(view: View, row: CodeRow | null): string {
  return row === null || row.bytes.length === 0
    ? `\`${hex(view.registers.eip)}\``
    : `\`${row.text.replace(/\s+/g, ' ')}\``;
}

function stopSentence(view: View, row: CodeRow | null, before: Registers | null): string {
  const { stop, registers } = view;
  const here = named(view, row);
  switch (stop.kind) {
    case 'start':
      return `Nothing has run yet. The loader has put the guest into memory, and the processor stands before its first instruction, ${here}.`;
    case 'privileged':
      return registers.cpl === 0
        ? `Paused before ${here}, the first privileged instruction. The kernel is in ring 0 and no monitor is below it, so it simply runs. Press Step.`
        : `Paused before ${here}, the first privileged instruction. Outside of ring 0 it raises #GP(0). Press Step.`;
    case 'pause':
      return `Paused before ${here}.`;
    case 'step':
      if (before !== null && before.cpl > registers.cpl) {
        return `The step entered ring ${registers.cpl}: an interrupt, an exception or a system call went through the IDT. Next is ${here}.`;
      }
      if (before !== null && before.cpl < registers.cpl) {
        return `The step left ring ${before.cpl} for ring ${registers.cpl}, where privileged instructions fault. Next is ${here}.`;
      }
      return `Stepped. Next is ${here}.`;
    case 'breakpoint':
      return `Stopped at the breakpoint at \`${hex(stop.address)}\`, before ${here}.`;
    case 'powerOff':
      return 'The guest has switched the machine off. Press Reset to start it again.';
    case 'deadHalt':
      return 'The processor executed `hlt` with interrupts off, so nothing can wake it. Press Reset to start again.';
    case 'tripleFault':
      return 'Triple fault: an exception could not be delivered, nor the double fault that followed, so the processor shut down. Press Reset.';
    case 'unimplemented':
      return `Ringside does not do ${here} yet. The machine stands before it.`;
    case 'void':
      return 'The guest takes exceptions without end, so no instruction could be executed for a long time.';
  }
}

function nextSentence(row: CodeRow, registers: Registers): string | null {
  const { cpl } = registers;
  const iopl = (registers.eflags >>> IOPL_SHIFT) & 3;
  switch (row.class) {
    case 'plain':
      return null;
    case 'privileged':
      return cpl === 0
        ? 'It is privileged. In ring 0 it simply runs.'
        : `It is privileged. In ring ${cpl} the processor raises #GP(0), and the kernel gets control through the IDT.`;
    case 'sensitive':
      return cpl === 0
        ? 'It is sensitive but not privileged. In ring 0 it does what the kernel expects; in any other ring it would do something else without a trap.'
        : `It is sensitive but not privileged: in ring ${cpl} it shows or loses machine state, and nothing traps.`;
    case 'io':
      return cpl <= iopl
        ? `It depends on IOPL. CPL ${cpl} is not above IOPL ${iopl}, so it runs.`
        : `It depends on IOPL. CPL ${cpl} is above IOPL ${iopl}, so the TSS’s I/O bitmap decides, or #GP(0) follows.`;
  }
}
