import { Fragment, memo, useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import type { CodeRow } from '../../../core/protocol/messages.ts';
import type { TranslationPair, TranslationView } from '../../../core/protocol/monitor.ts';
import { byteList, hex } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { walkTo } from '../../stores/walk.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import styles from './Translation.module.css';

/** Colours that follow each other, so that neighbours differ; numbers say the same. */
const COLOURS = 4;

/** The guest's code beside what runs in its place, pair by pair. */
export function TranslationPanel() {
  const view = useStore(machine, state => state.view?.monitor.translation ?? null);
  if (view === null) return <p className={styles.empty}>{laterText.translation.none}</p>;
  const counted = numbered(view);
  // While the monitor works, the machine is in none of these.
  const isMachineIn = counted.some(({ pair }) => machineIn(pair, view) !== null);
  return (
    <div className={styles.panel}>
      <div className={styles.heads}>
        <b>{laterText.translation.guest}</b>
        <b>{laterText.translation.cache}</b>
      </div>
      <ol className={styles.list} aria-label={text.translated.label}>
        {counted.map(({ pair, number, unit }) => (
          <Fragment key={`${pair.guest.address} ${pair.cache[0]?.address ?? number}`}>
            {unit !== null && (
              <li className={styles.unit}>
                <span>{unit.pairs[0]?.guest.symbol ?? hex(unit.guest.start)}</span>
                <span>{laterText.tables.range(hex(unit.cache.start), hex(unit.cache.end - 1))}</span>
              </li>
            )}
            <Pair
              pair={pair}
              number={number}
              guestNext={view.guestNext}
              machineNext={machineIn(pair, view)}
              follow={isMachineIn ? 'machine' : 'guest'}
            />
          </Fragment>
        ))}
      </ol>
    </div>
  );
}

/** All pairs with their numbers; the first one of each unit says which. */
function numbered({ units }: TranslationView) {
  let number = 0;
  return units.flatMap(unit => unit.pairs.map((pair, n) => ({ pair, number: ++number, unit: n === 0 ? unit : null })));
}

/** The machine's next instruction, if it belongs to this pair. */
function machineIn(pair: TranslationPair, { machineNext }: TranslationView): number | null {
  return pair.cache.some(({ address }) => address === machineNext) ? machineNext : null;
}

interface Properties {
  readonly pair: TranslationPair;
  readonly number: number;
  readonly guestNext: number;
  readonly machineNext: number | null;
  /** Whose next instruction is kept in view. */
  readonly follow: 'machine' | 'guest';
}

const Pair = memo(
  function Pair({ pair, number, guestNext, machineNext, follow }: Properties) {
    const { guest, kind, cache } = pair;
    const isGuestHere = guest.address === guestNext;
    return (
      <li className={styles.pair} data-colour={number % COLOURS} data-kind={kind}>
        <div className={styles.side}>
          <Line
            row={guest}
            here={isGuestHere ? laterText.translation.guestHere : null}
            isGuest
            follow={follow === 'guest'}
          />
        </div>
        <div className={styles.link}>
          <span className={styles.number}>
            <span className="hidden-text">{laterText.translation.pair(number)}</span>
            <span aria-hidden="true">{number}</span>
          </span>
          <span className={styles.kind} title={laterText.translation.kindHints[kind]}>
            {laterText.translation.kinds[kind]}
          </span>
        </div>
        <div className={styles.side}>
          {cache.map(row => (
            <Line
              key={row.address}
              row={row}
              here={row.address === machineNext ? laterText.translation.machineHere : null}
              isGuest={false}
              follow={follow === 'machine'}
            />
          ))}
          {cache.length === 0 && <em>{laterText.translation.nothing}</em>}
        </div>
      </li>
    );
  },
  (a, b) =>
    a.number === b.number &&
    a.machineNext === b.machineNext &&
    a.follow === b.follow &&
    (a.pair.guest.address === a.guestNext) === (b.pair.guest.address === b.guestNext) &&
    JSON.stringify(a.pair) === JSON.stringify(b.pair),
);

interface LineProperties {
  readonly row: CodeRow;
  /** Who stands before it, in words, or null. */
  readonly here: string | null;
  readonly isGuest: boolean;
  /** Comes into view when somebody stands before it. */
  readonly follow: boolean;
}

function Line({ row, here, isGuest, follow }: LineProperties) {
  const space = row.text.indexOf(' ');
  const [mnemonic, operands] =
    space < 0 ? [row.text, ''] : [row.text.slice(0, space), row.text.slice(space).trimStart()];
  const line = useRef<HTMLDivElement>(null);
  const isFollowed = here !== null && follow;
  useEffect(() => {
    if (isFollowed) line.current?.scrollIntoView({ block: 'nearest' });
  }, [isFollowed]);
  return (
    <div
      ref={line}
      className={styles.line}
      data-here={here === null ? undefined : isGuest ? 'guest' : 'machine'}
      aria-current={here === null ? undefined : 'step'}
      title={byteList(row.bytes)}
    >
      <button
        type="button"
        className={styles.address}
        title={isGuest ? text.breakpoints.show(hex(row.address)) : text.toWalk.show(hex(row.address))}
        onClick={event => (isGuest && !event.altKey ? goToCode(row.address) : walkTo(row.address))}
      >
        {here !== null && <span aria-hidden="true">▸</span>}
        {hex(row.address)}
        {here !== null && <span className="hidden-text"> {here}</span>}
      </button>
      <span>
        <b>{mnemonic}</b> {operands}
      </span>
    </div>
  );
}
