import { useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { Registers } from '../../../core/protocol/messages.ts';
import type { DescriptorTable, DescriptorView } from '../../../core/protocol/questions.ts';
import { hex } from '../../format.ts';
import { type MachineState, machine, symbolsOf } from '../../stores/machine.ts';
import { system } from '../../stores/system.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { useAsked } from '../asked.ts';
import { entryName, gateAddress, rawBytes, usedBy } from './entries.ts';
import { OnRequest } from './OnRequest.tsx';
import styles from './System.module.css';

const TABLES: readonly DescriptorTable[] = ['gdt', 'ldt', 'idt'];
const WHOSE = ['guest', 'machine'] as const;

/** GDT, LDT and IDT: as the guest set them up, and as the machine's processor has them. Nothing is asked until the reader does. */
export function DescriptorsPanel() {
  const shown = useStore(system, state => state.descriptors);
  const isOpen = useStore(machine, state => state.view !== null);
  if (!isOpen) return null;
  return (
    <OnRequest title={laterText.descriptors.label} shown={shown} show={descriptors => system.setState({ descriptors })}>
      <Tables />
    </OnRequest>
  );
}

/** Bare there are the machine's tables only; a paravirtualized guest has its entries in these as well. */
function hasOneSet({ view }: MachineState): boolean {
  return view === null || view.monitor.machine === null || view.monitor.setting.mode === 'para';
}

function Tables() {
  const table = useStore(system, state => state.table);
  const chosen = useStore(system, state => state.whose);
  const hasOne = useStore(machine, hasOneSet);
  const whose = hasOne ? 'guest' : chosen;
  const { now } = useAsked({ kind: 'descriptors', table, whose });
  const words = laterText.descriptors;
  return (
    <>
      <div className={styles.bar}>
        {/* biome-ignore lint/a11y/useSemanticElements: buttons of which one is pressed are no fieldset. */}
        <div className={styles.switch} role="group" aria-label={words.tables}>
          {TABLES.map(name => (
            <button
              key={name}
              type="button"
              aria-pressed={name === table}
              onClick={() => system.setState({ table: name, target: null })}
            >
              {name.toUpperCase()}
            </button>
          ))}
        </div>
        {!hasOne && (
          // biome-ignore lint/a11y/useSemanticElements: buttons of which one is pressed are no fieldset.
          <div className={styles.switch} role="group" aria-label={words.whose}>
            {WHOSE.map(name => (
              <button
                key={name}
                type="button"
                aria-pressed={name === whose}
                title={name === 'guest' ? words.guestHint : words.machineHint}
                data-whose={name}
                onClick={() => system.setState({ whose: name, target: null })}
              >
                {words[name]}
              </button>
            ))}
          </div>
        )}
      </div>
      {now !== null && now.kind === 'none' && <p className={styles.empty}>{text.said(now.message)}</p>}
      {now !== null && now.kind === 'descriptors' && (
        <>
          <p className={styles.where}>{words.where(hex(now.base), hex(now.limit, 4))}</p>
          {now.entries.length === 0 ? (
            <p className={styles.empty}>{words.none}</p>
          ) : (
            <List table={table} whose={whose} entries={now.entries} />
          )}
        </>
      )}
    </>
  );
}

interface ListProperties {
  readonly table: DescriptorTable;
  readonly whose: 'guest' | 'machine';
  readonly entries: readonly DescriptorView[];
}

function List({ table, whose, entries }: ListProperties) {
  const view = useStore(machine, state => state.view);
  const target = useStore(system, state => state.target);
  const list = useRef<HTMLElement>(null);
  const words = laterText.descriptors;

  useEffect(() => {
    if (target === null) return;
    list.current?.querySelector(`[data-index="${target.index}"]`)?.scrollIntoView({ block: 'center' });
  }, [target]);

  if (view === null) return null;
  const registers = whose === 'machine' ? (view.monitor.machine ?? view.registers) : view.registers;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard.
    <section className={styles.scroll} ref={list} tabIndex={0} aria-label={words.list(table.toUpperCase())}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{words.columns.entry}</th>
            <th scope="col">{words.columns.dpl}</th>
            <th scope="col">{words.columns.description}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(entry => (
            <Entry
              key={entry.index}
              table={table}
              entry={entry}
              registers={registers}
              isGuest={whose === 'guest' && view.monitor.setting.mode !== 'para'}
              isTarget={target?.index === entry.index}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface EntryProperties {
  readonly table: DescriptorTable;
  readonly entry: DescriptorView;
  readonly registers: Registers;
  readonly isGuest: boolean;
  readonly isTarget: boolean;
}

function Entry({ table, entry, registers, isGuest, isTarget }: EntryProperties) {
  const words = laterText.descriptors;
  const { index, segment, gate, dpl, present, description } = entry;
  const used = usedBy(table, index, registers);
  return (
    <tr data-index={index} data-used={used.length > 0 || undefined} data-target={isTarget || undefined}>
      <th scope="row" title={rawBytes(entry)}>
        {entryName(table, index)}
      </th>
      <td>{dpl}</td>
      <td>
        <span className={styles.description}>{text.said(description)}</span>
        {!present && <span className={styles.badge}>{words.absent}</span>}
        {used.length > 0 && (
          <span className={styles.badge} data-used>
            {words.used(used.join(' '))}
          </span>
        )}
        {segment !== null && (
          <span className={styles.target}>
            {hex(segment.base)} {words.limit(hex(segment.limit))}
          </span>
        )}
        {gate !== null && <Gate entry={entry} registers={registers} isGuest={isGuest} />}
      </td>
    </tr>
  );
}

/** Where a gate leads. The code panel shows the guest's code, and not the monitor's. */
function Gate({ entry, registers, isGuest }: Pick<EntryProperties, 'entry' | 'registers' | 'isGuest'>) {
  const symbols = useStore(machine, symbolsOf);
  const words = laterText.descriptors;
  const address = gateAddress(entry, registers);
  const { selector, offset } = entry.gate ?? { selector: 0, offset: 0 };
  const written = `${hex(selector, 4)}:${hex(offset)}`;
  if (address === null || !isGuest) return <span className={styles.target}>{written}</span>;
  return (
    <button type="button" className={styles.link} title={words.code(hex(address))} onClick={() => goToCode(address)}>
      {written} <span>{symbols.nameAt(address)}</span>
    </button>
  );
}
