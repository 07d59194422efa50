import { useStore } from 'zustand';
import type { RegionView } from '../../../core/protocol/questions.ts';
import type { AnswerTo } from '../../asking.ts';
import { count, hex, size } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { isFollowing, windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { useAsked } from '../asked.ts';
import styles from './Engine.module.css';
import { useKept } from './kept.ts';

type RegionQuestion = { readonly kind: 'region'; readonly address: number; readonly text: boolean };

export interface CodeInView {
  readonly address: number;
  readonly answer: Extract<AnswerTo<RegionQuestion>, { kind: 'region' }>;
  /** It stays what it is: while the machine runs, the code that it comes by is another one each time. */
  readonly isSteady: boolean;
}

/** The instruction that is chosen in the code, or else the one that it follows or was scrolled to, and what runs it. */
export function useInView(): CodeInView | null {
  const follows = useStore(windows, isFollowing);
  const chosen = useStore(windows, ({ selected }) => selected);
  const scrolled = useStore(windows, ({ codeAddress }) => codeAddress);
  const eip = useStore(machine, state => state.codeEip);
  const isRunning = useStore(machine, state => state.view?.running ?? false);
  const address = chosen ?? (follows ? eip : scrolled);
  const { now } = useAsked(address === null ? null : ({ kind: 'region', address, text: false } as const));
  const isNow = now?.kind === 'region' && address !== null;
  return useKept(isNow ? { address, answer: now, isSteady: !isRunning || chosen !== null || !follows } : null);
}

/** Which engine runs the code in view, and its region in figures. */
export function InView({ address, answer: { run, place }, isSteady }: CodeInView) {
  const words = laterText.engine;
  const region = run.by === 'region' ? run.region : null;
  return (
    <>
      <p className={styles.said} role={isSteady ? 'status' : undefined}>
        <b>{words.view}</b> <span className={styles.address}>{hex(address)}</span>{' '}
        <span className={styles.badge} data-by={region?.waits === false ? 'region' : 'executor'}>
          {run.by !== 'region' ? words.by[run.by] : run.region.waits ? words.waits : words.runs}
        </span>{' '}
        {run.by !== 'region' &&
          (run.why === 'cold' ? words.cold(count(run.executed), count(run.needed)) : words.why[run.why])}
        {run.by !== 'region' && place !== null && text.units.gap}
        {place !== null && words.cache(hex(place))}
      </p>
      {region !== null && <Figures region={region} />}
    </>
  );
}

function Figures({ region }: { readonly region: RegionView }) {
  const words = laterText.engine;
  const { start, end, symbol, extent, entered, instructions, blocks, bytes, user } = region;
  const figures = [
    [words.facts.name, symbol ?? hex(region.address), undefined],
    [words.facts.range, `${hex(start)}–${hex(end - 1)}`, undefined],
    [words.facts.extent, words.extents[extent], words.extentHints[extent]],
    [words.facts.entered, words.times(count(entered)), words.enteredHint],
    [words.facts.code, words.guestCode(count(instructions), count(blocks)), undefined],
    [words.facts.bytes, size(bytes), undefined],
    [words.facts.ring, user ? words.user : words.kernel, undefined],
  ] as const;
  return (
    <dl className={styles.facts}>
      {figures.map(([name, value, hint]) => (
        <div key={name} title={hint}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
