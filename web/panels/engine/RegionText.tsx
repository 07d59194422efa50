import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { RegionPart, RegionView } from '../../../core/protocol/questions.ts';
import { byteList, hex } from '../../format.ts';
import { ask } from '../../machine.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import styles from './Engine.module.css';
import { type Row, rowsOf } from './rows.ts';

/** Colours that follow each other, so that neighbours differ; numbers say the same. */
const COLOURS = 4;
/** What stays in view above an instruction, in pixels. */
const MARGIN = 50;
/** What does not fit in a line goes on so many characters further to the right; the style sheet has it, too. */
const HANGING = 4;

interface Properties {
  readonly address: number;
  readonly region: RegionView;
  /** Its addresses are the guest's, which the code panel can show. */
  readonly isGuests: boolean;
  /** Where the guest stands, if that is known in these addresses. */
  readonly here: number | null;
  /** The instruction that shall be in view. */
  readonly shown: number;
}

/** A region's instructions beside the WebAssembly that they became. It is asked for once: when another region is shown, or the same made anew. */
export function RegionText({ address, region, isGuests, here, shown }: Properties) {
  const [parts, setParts] = useState<readonly RegionPart[] | 'none' | null>(null);
  const words = laterText.engine;
  const { start, end, bytes, instructions, extent, user } = region;
  const which = [start, end, bytes, instructions, extent, user].join(' ');
  const asked = useRef(address);
  asked.current = address;

  // biome-ignore lint/correctness/useExhaustiveDependencies: any address in the region serves; another region is another text.
  useEffect(() => {
    let isOver = false;
    void ask({ kind: 'region', address: asked.current, text: true }).then(answer => {
      if (isOver) return;
      const found = answer.kind === 'region' && answer.run.by === 'region' ? answer.run.parts : null;
      setParts(found ?? 'none');
    });
    return () => {
      isOver = true;
    };
  }, [which]);

  const list = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const row = parts === null ? null : list.current?.querySelector<HTMLElement>(`[data-address="${shown}"]`);
    // Not scrollIntoView(): that would move what is around the list as well.
    if (row) list.current?.scrollTo({ top: Math.max(row.offsetTop - MARGIN, 0) });
  }, [shown, parts]);

  const rows = useMemo(() => (parts === null || parts === 'none' ? [] : rowsOf(parts)), [parts]);
  if (parts === null) return null;
  if (parts === 'none') return <p className={styles.empty}>{words.gone}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard.
    <section ref={list} className={styles.scroll} tabIndex={0} aria-label={words.text}>
      <div className={styles.heads} aria-hidden="true">
        <b>{words.guest}</b>
        <b>{words.text}</b>
      </div>
      <ol className={styles.list} aria-label={words.list}>
        {rows.map((row, n) => (
          <Line
            // biome-ignore lint/suspicious/noArrayIndexKey: parts have no name but their place.
            key={n}
            row={row}
            isGuests={isGuests}
            isHere={row.number > 0 && !row.isAgain && row.part.address === here}
          />
        ))}
      </ol>
    </section>
  );
}

interface LineProperties {
  readonly row: Row;
  readonly isGuests: boolean;
  readonly isHere: boolean;
}

const Line = memo(function Line({ row: { part, number, isAgain }, isGuests, isHere }: LineProperties) {
  const words = laterText.engine;
  const { kind, row } = part;
  if (kind !== 'instruction' || row === null) {
    return (
      <li className={styles.line}>
        <span className={styles.purpose}>
          {kind === 'block' ? words.parts.block(hex(part.address)) : purpose(kind)}
        </span>
        <Wasm code={part.text} />
      </li>
    );
  }
  const address = (
    <>
      {hex(row.address)}
      {isHere && <span className="hidden-text"> {words.here}</span>}
    </>
  );
  return (
    <li
      data-address={isAgain ? undefined : row.address}
      className={styles.line}
      data-colour={number % COLOURS}
      data-here={isHere || undefined}
      aria-current={isHere ? 'step' : undefined}
    >
      <span className={styles.guest} title={byteList(row.bytes)}>
        <span className={styles.number}>
          <span className="hidden-text">{words.pair(number)}</span>
          <span aria-hidden="true">{number}</span>
        </span>
        {isGuests ? (
          <button
            type="button"
            className={styles.place}
            title={text.breakpoints.show(hex(row.address))}
            onClick={() => goToCode(row.address)}
          >
            {address}
          </button>
        ) : (
          <span className={styles.place}>{address}</span>
        )}
        <span className={styles.instruction}>
          {row.text}
          {isAgain && <i> {words.again}</i>}
        </span>
      </span>
      {part.text === '' ? <em>{words.nothing}</em> : <Wasm code={part.text} />}
    </li>
  );
});

function purpose(kind: RegionPart['kind']): string {
  const { parts } = laterText.engine;
  return kind === 'choose' || kind === 'leave' ? parts[kind] : parts.enter;
}

/** WebAssembly text: a statement on each line, as far to the right as it is nested. */
function Wasm({ code }: { readonly code: string }) {
  return (
    <pre>
      {code.split('\n').map((line, n) => {
        const statement = line.trimStart();
        return (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: statements have no name but their place.
            key={n}
            className={styles.statement}
            style={{ paddingLeft: `${line.length - statement.length + HANGING}ch` }}
          >
            {statement}
          </span>
        );
      })}
    </pre>
  );
}
