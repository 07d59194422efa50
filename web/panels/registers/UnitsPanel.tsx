import { ChevronRight } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useStore } from 'zustand';
import type { DebugRegister } from '../../../core/protocol/messages.ts';
import type { Units } from '../../../core/protocol/questions.ts';
import { hex } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { LANES, system, UNIT_GROUPS, type UnitGroup } from '../../stores/system.ts';
import { isAddress } from '../../stores/walk.ts';
import { laterText } from '../../text/later.ts';
import { Section } from '../../widgets/Section.tsx';
import { useAsked } from '../asked.ts';
import systemStyles from '../system/System.module.css';
import { unnamedIn } from './fields.ts';
import { lanes, stackOrder, written, x87Tag, x87Value } from './floating.ts';
import { FieldBits } from './RegisterBits.tsx';
import { RegisterCell } from './RegisterCell.tsx';
import styles from './Units.module.css';
import { breakpointOf, type UnitRegister, unitFields } from './unit-fields.ts';

interface Group {
  readonly now: Units;
  /** At the stop before. */
  readonly before: Units;
}

/** Registers that few programs use. Each group is closed at first, and nothing is asked before one is opened. */
export function UnitsPanel() {
  const open = useStore(system, state => state.units);
  const isOpen = useStore(machine, state => state.view !== null);
  const { now, before } = useAsked(isOpen && open.length > 0 ? { kind: 'units' as const } : null);
  if (!isOpen) return null;
  const toggle = (group: UnitGroup, shown: boolean): void =>
    system.setState(({ units }) => ({
      units: shown ? [...units.filter(other => other !== group), group] : units.filter(other => other !== group),
    }));
  const words = laterText.units;
  return (
    <Section title={words.label}>
      {UNIT_GROUPS.map(group => {
        const shown = open.includes(group);
        const Content = CONTENT[group];
        return (
          <div key={group} className={styles.group}>
            <button type="button" className={styles.head} aria-expanded={shown} onClick={() => toggle(group, !shown)}>
              {chevron}
              {words.groups[group]}
            </button>
            {shown && now?.kind === 'units' && <Content now={now} before={before?.kind === 'units' ? before : now} />}
          </div>
        );
      })}
    </Section>
  );
}

const chevron = <ChevronRight size={13} className={styles.chevron} aria-hidden="true" />;

const CONTENT: Readonly<Record<UnitGroup, (group: Group) => ReactNode>> = { sse: Sse, x87: X87, debug: Debug };

interface DecodedProperties {
  readonly register: UnitRegister;
  readonly value: number;
  readonly before: number;
  readonly machine?: number | null;
  readonly children: ReactNode;
}

/** A register in one row, which opens to show it bit by bit. */
function Decoded({ register, value, before, machine: held = null, children }: DecodedProperties) {
  const [open, setOpen] = useState(false);
  const fields = unitFields(register);
  const name = register.toUpperCase();
  return (
    <>
      <div className={styles.decoded}>
        <button
          type="button"
          aria-expanded={open}
          aria-label={laterText.units.bits(name)}
          title={laterText.units.bits(name)}
          onClick={() => setOpen(!open)}
        >
          {chevron}
        </button>
        {children}
      </div>
      {open && (
        <FieldBits
          name={name}
          fields={fields}
          unnamed={unnamedIn(fields, value & ~FIXED[register])}
          value={value}
          before={before}
          machine={held}
        />
      )}
    </>
  );
}

/** Bits that are always set (SDM volume 1, 8.1.5; volume 3, 17.2). */
const FIXED: Readonly<Record<UnitRegister, number>> = { mxcsr: 0, fcw: 0x40, fsw: 0, dr6: 0xffff0ff0, dr7: 0x400 };

const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const WORDS = [3, 2, 1, 0] as const;

function Sse({ now, before }: Group) {
  const lane = useStore(system, state => state.lane);
  const words = laterText.units;
  return (
    <>
      <Decoded register="mxcsr" value={now.mxcsr} before={before.mxcsr}>
        <RegisterCell
          register="mxcsr"
          name="MXCSR"
          value={now.mxcsr}
          changed={now.mxcsr !== before.mxcsr}
          machine={null}
          why={null}
          address={null}
        />
      </Decoded>
      {/* biome-ignore lint/a11y/useSemanticElements: buttons of which one is pressed are no fieldset. */}
      <div className={`${systemStyles.switch} ${styles.lanes}`} role="group" aria-label={words.lanes}>
        {LANES.map(each => (
          <button key={each} type="button" aria-pressed={each === lane} onClick={() => system.setState({ lane: each })}>
            {words.lane[each]}
          </button>
        ))}
      </div>
      {NUMBERS.map(n => (
        <div key={n} className={styles.vector}>
          <p>
            <b>XMM{n}</b> <span className={styles.read}>{[...lanes(now.xmm, n, lane)].reverse().join('  ')}</span>
          </p>
          <div>
            {WORDS.map(word => (
              <RegisterCell
                key={word}
                quiet
                register={`xmm${n}.${word}`}
                name={words.word(`XMM${n}`, 32 * word + 31, 32 * word)}
                value={now.xmm[4 * n + word]}
                changed={now.xmm[4 * n + word] !== before.xmm[4 * n + word]}
                machine={null}
                why={null}
                address={null}
              />
            ))}
          </div>
        </div>
      ))}
    </>
  );
}

function X87({ now, before }: Group) {
  const words = laterText.units;
  const { control, status, empty, registers } = now.x87;
  const row = (register: 'fcw' | 'fsw', value: number, old: number) => (
    <Decoded register={register} value={value} before={old}>
      <p className={styles.word} data-changed={value !== old || undefined}>
        <span>{register.toUpperCase()}</span> {hex(value, 4)}
      </p>
    </Decoded>
  );
  return (
    <>
      {row('fcw', control, before.x87.control)}
      {row('fsw', status, before.x87.status)}
      <p className={styles.note}>{words.stack}</p>
      <table className={styles.stack}>
        <tbody>
          {stackOrder(status).map((physical, n) => {
            const register = registers[physical];
            const isEmpty = ((empty >>> physical) & 1) !== 0;
            const old = before.x87.registers[physical];
            const changed =
              old.low !== register.low || old.high !== register.high || old.exponent !== register.exponent;
            return (
              <tr key={physical} data-changed={changed || undefined} data-empty={isEmpty || undefined}>
                <th scope="row">
                  ST({n}) <small>R{physical}</small>
                </th>
                <td>{isEmpty ? words.empty : written(x87Value(register))}</td>
                <td title={isEmpty ? words.empty : words.tag[x87Tag(register)]}>
                  {hex(register.exponent, 4)} {hex(register.high)}
                  <wbr />
                  {hex(register.low)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

const DEBUG: readonly DebugRegister[] = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7'];
const DR7 = 5;

function Debug({ now, before }: Group) {
  const words = laterText.units;
  return DEBUG.map((register, n) => {
    const value = now.debug[n];
    const held = now.machineDebug?.[n] ?? null;
    const differs = held !== null && held !== value ? held : null;
    const cell = (
      <RegisterCell
        register={register}
        name={register.toUpperCase()}
        value={value}
        changed={value !== before.debug[n]}
        machine={differs}
        why={differs === null ? null : words.whyDebug}
        address={n < 4 && isAddress(value) ? value : null}
      />
    );
    if (register === 'dr6' || register === 'dr7') {
      return (
        <Decoded key={register} register={register} value={value} before={before.debug[n]} machine={differs}>
          {cell}
        </Decoded>
      );
    }
    const breakpoint = breakpointOf(now.debug[DR7], n);
    return (
      <div key={register} className={styles.address}>
        {cell}
        <span className={styles.condition}>
          {breakpoint === null
            ? words.off
            : words.breakpoint(words.conditions[breakpoint.condition], breakpoint.length)}
        </span>
      </div>
    );
  });
}
