import { useStore } from 'zustand';
import type { Registers } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { general } from '../../symbols.ts';
import { text } from '../../text.ts';
import { Ring } from '../../widgets/Ring.tsx';
import { Section } from '../../widgets/Section.tsx';
import { ControlRegister } from './ControlRegister.tsx';
import { Flags } from './Flags.tsx';
import { RegisterCell } from './RegisterCell.tsx';
import styles from './Registers.module.css';
import { Segments } from './Segments.tsx';

/** Register numbers in the order of reading: A B C D, then the pointers. */
const order = [0, 6, 3, 7, 1, 5, 2, 4];

const control = ['cr0', 'cr2', 'cr3', 'cr4'] as const;

/** Registers of the processor. What differs from the stop before is marked; nothing is marked while the machine runs. */
export function RegistersPanel() {
  const now = useStore(machine, state => state.view?.registers ?? null);
  const running = useStore(machine, state => state.view?.running ?? false);
  const last = useStore(machine, state => state.before);
  if (now === null) {
    return (
      <Section title={text.registers.label}>
        <p className={styles.empty}>{text.registers.empty}</p>
      </Section>
    );
  }
  const before = running || last === null ? now : last;
  return (
    <>
      <Section title={text.registers.label} aside={<Ring cpl={now.cpl} />}>
        <div className={styles.grid}>
          {order.map(number => (
            <RegisterCell
              key={number}
              register={general[number]}
              name={general[number].toUpperCase()}
              value={now.general[number]}
              changed={now.general[number] !== before.general[number]}
            />
          ))}
          <RegisterCell register="eip" name="EIP" value={now.eip} changed={now.eip !== before.eip} />
          <RegisterCell register="eflags" name="EFL" value={now.eflags} changed={now.eflags !== before.eflags} />
        </div>
        <Flags value={now.eflags} before={before.eflags} />
      </Section>
      <Section title={text.registers.control}>
        {control.map(name => (
          <ControlRegister key={name} name={name} value={now[name]} changed={now[name] !== before[name]} />
        ))}
      </Section>
      <Section title={text.registers.segments}>
        <Segments segments={now.segments} before={before.segments} />
        <Tables now={now} before={before} />
      </Section>
    </>
  );
}

function Tables({ now, before }: { readonly now: Registers; readonly before: Registers }) {
  const tables = ['gdtr', 'idtr'] as const;
  return (
    <div className={styles.tables}>
      {tables.map(name => {
        const table = now[name];
        const changed = table.base !== before[name].base || table.limit !== before[name].limit;
        return (
          <div key={name} className={styles.cell} data-changed={changed || undefined}>
            <span className={styles.name}>{name.toUpperCase()}</span>
            <span>
              {hex(table.base)}
              <span className={styles.limit} title={text.registers.limit}>
                {' '}
                +{hex(table.limit, 4)}
              </span>
            </span>
          </div>
        );
      })}
    </div>
  );
}
