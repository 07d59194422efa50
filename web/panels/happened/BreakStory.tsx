import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { BreakHit } from '../../../core/protocol/breakpoints.ts';
import type { CodeRow, Registers } from '../../../core/protocol/messages.ts';
import { hex } from '../../format.ts';
import { ask } from '../../machine.ts';
import { breakpoints } from '../../stores/breakpoints.ts';
import { machine } from '../../stores/machine.ts';
import { goToCode } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { Prose } from '../../widgets/Prose.tsx';
import { placeOf, symbolAt } from '../breakpoints/words.ts';
import styles from './Happened.module.css';
import { plain } from './sentence.ts';

/** The instruction at an address: of the code that is listed, else it is asked for. Null until it has come. */
function useInstruction(address: number): CodeRow | null {
  const listed = useStore(machine, state => state.code.find(row => row.address === address) ?? null);
  const [asked, setAsked] = useState<CodeRow | null>(null);
  const isListed = listed !== null;
  useEffect(() => {
    if (isListed) return;
    let isWanted = true;
    void ask({ kind: 'code', address, count: 1 }).then(answer => {
      if (isWanted && answer.kind === 'code') setAsked(answer.rows[0] ?? null);
    });
    return () => {
      isWanted = false;
    };
  }, [address, isListed]);
  return listed ?? (asked?.address === address ? asked : null);
}

/** As many digits as the bytes that are watched have. */
function digits(hit: BreakHit): number {
  return hit.on.kind === 'write' || hit.on.kind === 'access' ? 2 * hit.on.length : 8;
}

/** What happened, in a sentence. `what`: the instruction that did it. */
function sentence({ on, reason }: BreakHit, what: string, state: string, registers: Registers | null): string {
  const words = laterText.breaks.story;
  switch (on.kind) {
    case 'execute':
      return state;
    case 'write':
    case 'access':
      return words[on.kind](what, placeOf(on.address));
    case 'exit':
      return words.exit(what, text.said(reason ?? on.reason ?? ''));
    case 'hypercall':
      return words.hypercall(reason ?? on.name ?? '');
    case 'delivery':
      return words.delivery(what, text.said(reason ?? ''));
    case 'pageFault':
      return words.pageFault(what, hex(registers?.cr2 ?? 0));
    case 'cr3':
      return words.cr3(what, hex(registers?.cr3 ?? 0));
    case 'ring':
      return words.ring(what, registers?.cpl ?? 0);
  }
}

interface Properties {
  readonly hit: BreakHit;
  /** Why it stands here, as it is said of a plain breakpoint. */
  readonly state: string;
}

/** Why the machine has stopped at something that was waited for: what did it, what it changed, and where that is in the code. */
export function BreakStory({ hit, state }: Properties) {
  const row = useInstruction(hit.by);
  const registers = useStore(machine, state => state.view?.registers ?? null);
  const condition = useStore(breakpoints, ({ list }) => list.find(({ id }) => id === hit.id)?.condition ?? '');
  const words = laterText.breaks;
  const what = (row === null ? null : plain(row)) ?? hex(hit.by);
  const symbol = symbolAt(hit.by);
  const { before, after } = hit;
  return (
    <>
      <Prose>{sentence(hit, what, state, registers)}</Prose>
      {before !== null && after !== null && (
        <>
          {' '}
          <Prose>
            {before === after
              ? words.story.unchanged(hex(after, digits(hit)))
              : words.story.changed(hex(before, digits(hit)), hex(after, digits(hit)))}
          </Prose>
        </>
      )}
      {condition !== '' && (
        <>
          {' '}
          <Prose>{words.story.condition(condition)}</Prose>
        </>
      )}{' '}
      <button
        type="button"
        className={styles.link}
        title={text.breakpoints.show(hex(hit.by))}
        onClick={() => goToCode(hit.by)}
      >
        {words.story.at} <code>{symbol ?? hex(hit.by)}</code>
      </button>
    </>
  );
}
