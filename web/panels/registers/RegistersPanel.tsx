import { useStore } from 'zustand';
import type { Registers } from '../../../core/protocol/messages.ts';
import { machine } from '../../stores/machine.ts';
import { isAddress } from '../../stores/walk.ts';
import { general, linearEip } from '../../symbols.ts';
import { text } from '../../text.ts';
import { Ring } from '../../widgets/Ring.tsx';
import { Section } from '../../widgets/Section.tsx';
import { ControlRegister } from './ControlRegister.tsx';
import { type MachineSide, machineSide, type WordRegister, whyWord } from './differences.ts';
import { Flags } from './Flags.tsx';
import { RegisterCell } from './RegisterCell.tsx';
import styles from './Registers.module.css';

/** Register numbers in the order of reading: A B C D, then the pointers. */
const order = [0, 6, 3, 7, 1, 5, 2, 4];
const ESP = 4;
/** Place of SS in Registers.segments. */
const SS = 2;

const control = ['cr0', 'cr2', 'cr3', 'cr4', 'eflags'] as const;
/** CR4.PAE. */
const PAE = 1 << 5;

/** What the machine holds in a register where it is not what the guest believes, and why. */
function held(kind: WordRegister, guest: number, side: MachineSide | null, value: (of: Registers) => number) {
  if (side === null) return { machine: null, why: null };
  const machine = value(side.registers);
  return machine === guest ? { machine: null, why: null } : { machine, why: whyWord(kind, guest, side, machine) };
}

/** The registers and, while nothing runs, those of the stop before: what differs from them has changed. */
export function useRegisters(): {
  readonly now: Registers;
  readonly before: Registers;
  readonly side: MachineSide | null;
} | null {
  const view = useStore(machine, state => state.view);
  const last = useStore(machine, state => state.before);
  if (view === null) return null;
  const now = view.registers;
  return { now, before: view.running || last === null ? now : last, side: machineSide(view.monitor) };
}

/** Linear address that a general register means as one: the stack pointer counts from the base of SS. */
function addressIn(number: number, registers: Registers): number | null {
  const value = registers.general[number];
  if (number === ESP) return ((registers.segments[SS]?.base ?? 0) + value) >>> 0;
  return isAddress(value) ? value : null;
}

/**
 * Registers of the processor as the guest believes to have them, beside each what the machine holds where that is something else. What differs
 * from the stop before is marked.
 */
export function RegistersPanel() {
  const registers = useRegisters();
  if (registers === null) {
    return (
      <Section title={text.registers.label}>
        <p className={styles.empty}>{text.registers.empty}</p>
      </Section>
    );
  }
  const { now, before, side } = registers;
  return (
    <>
      <Section title={text.registers.label} aside={<Ring cpl={now.cpl} />}>
        {side !== null && (
          <p className={styles.columns}>
            <span>{text.believed.guest}</span>
            <span data-machine>{text.believed.machine}</span>
          </p>
        )}
        <div className={styles.grid}>
          {order.map(number => (
            <RegisterCell
              key={number}
              register={general[number]}
              name={general[number].toUpperCase()}
              value={now.general[number]}
              changed={now.general[number] !== before.general[number]}
              address={addressIn(number, now)}
              {...held('general', now.general[number], side, of => of.general[number])}
            />
          ))}
          <RegisterCell
            register="eip"
            name="EIP"
            value={now.eip}
            changed={now.eip !== before.eip}
            address={linearEip(now)}
            {...held('eip', now.eip, side, of => of.eip)}
          />
          <RegisterCell
            register="eflags"
            name="EFL"
            value={now.eflags}
            changed={now.eflags !== before.eflags}
            address={null}
            {...held('eflags', now.eflags, side, of => of.eflags)}
          />
        </div>
        <Flags value={now.eflags} before={before.eflags} />
      </Section>
      <Section title={text.registers.control}>
        {control.map(name => (
          <ControlRegister
            key={name}
            name={name}
            value={now[name]}
            before={before[name]}
            isPae={(now.cr4 & PAE) !== 0}
            {...held(name, now[name], side, of => of[name])}
          />
        ))}
      </Section>
    </>
  );
}
