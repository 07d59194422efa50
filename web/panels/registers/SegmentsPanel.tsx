import type { Registers } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';
import { text } from '../../text.ts';
import { Section } from '../../widgets/Section.tsx';
import { type MachineSide, whyTable } from './differences.ts';
import { MachineValue } from './MachineValue.tsx';
import styles from './Registers.module.css';
import { useRegisters } from './RegistersPanel.tsx';
import { Segments } from './Segments.tsx';

interface Properties {
  readonly now: Registers;
  readonly before: Registers;
  readonly side: MachineSide | null;
}

/** Segment registers and the registers of descriptor tables. */
export function SegmentsPanel() {
  const registers = useRegisters();
  if (registers === null) return null;
  const { now, before, side } = registers;
  return (
    <Section title={text.registers.segments}>
      <Segments segments={now.segments} before={before.segments} side={side} />
      <Tables now={now} before={before} side={side} />
    </Section>
  );
}

type TableRegister = Registers['gdtr'];

function differs(a: TableRegister, b: TableRegister): boolean {
  return a.base !== b.base || a.limit !== b.limit;
}

function written({ base, limit }: TableRegister): string {
  return `${hex(base)} +${hex(limit, 4)}`;
}

function Tables({ now, before, side }: Properties) {
  const tables = ['gdtr', 'idtr'] as const;
  return (
    <div className={styles.tables}>
      {tables.map(name => {
        const table = now[name];
        const held = side?.registers[name];
        return (
          <div
            key={name}
            className={styles.cell}
            data-changed={differs(table, before[name]) || undefined}
            data-differs={(held !== undefined && differs(table, held)) || undefined}
          >
            <span className={styles.name}>{name.toUpperCase()}</span>
            <span title={text.registers.limit}>{written(table)}</span>
            {side !== null && held !== undefined && differs(table, held) && (
              <MachineValue value={written(held)} why={whyTable(side)} />
            )}
          </div>
        );
      })}
    </div>
  );
}
