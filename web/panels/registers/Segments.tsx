import { memo, useState } from 'react';
import type { SegmentView } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';
import { text } from '../../text.ts';
import { later } from '../../widgets/later.tsx';
import { type MachineSide, sameSegment, whySegment } from './differences.ts';
import styles from './Registers.module.css';

const SegmentDetails = later(async () => (await import('./SegmentDetails.tsx')).SegmentDetails);

/** Order of Registers.segments. */
const names = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'];

interface RowProperties extends SegmentView {
  readonly name: string;
  readonly changed: boolean;
  /** What the machine holds, where that is something else, and why. */
  readonly machine: SegmentView | null;
  readonly why: string | null;
}

/** Index, table and requested privilege level of a selector (SDM 3A, 3.4.2). */
function selectorTitle(selector: number): string {
  return text.registers.selectorParts(selector >>> 3, (selector & 4) === 0 ? 'GDT' : 'LDT', selector & 3);
}

const Segment = memo(
  function Segment({ name, selector, base, limit, description, changed, machine, why }: RowProperties) {
    const [open, setOpen] = useState(false);
    return (
      <>
        <tr data-changed={changed || undefined}>
          <th scope="row">
            <button
              type="button"
              className={styles.expand}
              aria-expanded={open}
              title={selectorTitle(selector)}
              onClick={() => setOpen(!open)}
            >
              {name}
            </button>
          </th>
          <td title={selectorTitle(selector)}>{hex(selector, 4)}</td>
          <td>{hex(base)}</td>
          <td>{hex(limit)}</td>
          <td className={styles.description} title={text.said(description)}>
            {text.said(description)}
          </td>
        </tr>
        {machine !== null && (
          <tr data-machine title={`${text.believed.machine}: ${why}`}>
            <th scope="row">
              <span className="hidden-text">{`${name}, ${text.believed.machine}. ${why}`}</span>
            </th>
            <td title={`${selectorTitle(machine.selector)}. ${why}`}>{hex(machine.selector, 4)}</td>
            <td>{hex(machine.base)}</td>
            <td>{hex(machine.limit)}</td>
            <td className={styles.description} title={text.said(machine.description)}>
              {text.said(machine.description)}
            </td>
          </tr>
        )}
        {open && (
          <tr>
            <td colSpan={5} className={styles.details}>
              <SegmentDetails segment={{ selector, base, limit, description }} whose="guest" />
              {machine !== null && (
                <div className={styles.ofMachine}>
                  <SegmentDetails segment={machine} whose="machine" />
                </div>
              )}
            </td>
          </tr>
        )}
      </>
    );
  },
  (a, b) =>
    a.changed === b.changed &&
    a.why === b.why &&
    sameSegment(a, b) &&
    (a.machine === b.machine || (a.machine !== null && b.machine !== null && sameSegment(a.machine, b.machine))),
);

interface Properties {
  readonly segments: readonly SegmentView[];
  readonly before: readonly SegmentView[];
  readonly side: MachineSide | null;
}

/** Segment registers with their hidden parts; below each the machine's, where it holds something else. */
export function Segments({ segments, before, side }: Properties) {
  return (
    <table className={styles.segments}>
      <thead>
        <tr>
          <th scope="col">
            <span className="hidden-text">{text.registers.label}</span>
          </th>
          <th scope="col">{text.registers.selector}</th>
          <th scope="col">{text.registers.base}</th>
          <th scope="col">{text.registers.limit}</th>
          <th scope="col">
            <span className="hidden-text">{text.registers.descriptor}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {segments.map((segment, i) => {
          const held = side?.registers.segments[i];
          const differs = side !== null && held !== undefined && !sameSegment(segment, held);
          return (
            <Segment
              key={names[i]}
              name={names[i]}
              selector={segment.selector}
              base={segment.base}
              limit={segment.limit}
              description={segment.description}
              changed={
                before[i] !== undefined &&
                (before[i].selector !== segment.selector ||
                  before[i].base !== segment.base ||
                  before[i].limit !== segment.limit)
              }
              machine={differs ? held : null}
              why={differs ? whySegment(i, segment, side) : null}
            />
          );
        })}
      </tbody>
    </table>
  );
}
