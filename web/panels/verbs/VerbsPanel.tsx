import { ClipboardCopy, Eraser } from 'lucide-react';
import { type KeyboardEvent, memo, useEffect, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { notify } from '../../stores/notices.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { commonStart, complete } from '../../verbs/complete.ts';
import { Prose } from '../../widgets/Prose.tsx';
import { clearLog, type Entry, enter, log, logText } from './log.ts';
import { interrupt } from './page-host.ts';
import styles from './Verbs.module.css';

/** The console of verbs: GDB's, Bochs' and virsh's words. */
export function VerbsPanel() {
  const words = laterText.verbs;
  const entries = useStore(log, state => state.entries);
  const cut = useStore(log, state => state.cut);
  const paper = useRef<HTMLDivElement>(null);

  // The latest is what the reader waits for, also when completions take some of the room.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the list moves it.
  useEffect(() => {
    const element = paper.current;
    if (element === null) return;
    const toEnd = (): void => {
      element.scrollTop = element.scrollHeight;
    };
    toEnd();
    const observer = new ResizeObserver(toEnd);
    observer.observe(element);
    return () => observer.disconnect();
  }, [entries]);

  return (
    <section className={styles.panel} aria-label={words.label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard. */}
      <div className={styles.paper} ref={paper} role="log" aria-live="polite" aria-label={words.log} tabIndex={0}>
        {entries.length === 0 && (
          <p className={styles.welcome}>
            <Prose>{words.welcome}</Prose>
          </p>
        )}
        {cut && <p className={styles.welcome}>{words.cut}</p>}
        {entries.map(entry => (
          <Block key={entry.id} entry={entry} />
        ))}
      </div>
      <Prompt />
    </section>
  );
}

const Block = memo(function Block({ entry: { line, output, state } }: { readonly entry: Entry }) {
  return (
    <div className={styles.entry} data-state={state}>
      <p className={styles.line}>
        <span aria-hidden="true">{'> '}</span>
        {line}
      </p>
      {output.length > 0 && <pre className={styles.output}>{output.join('\n')}</pre>}
    </div>
  );
});

function copy(): void {
  navigator.clipboard.writeText(logText()).catch(() => notify(text.notices.clipboard));
}

/** Then Ctrl+C copies. */
function hasSelection(input: HTMLInputElement | null): boolean {
  const isInInput = input !== null && input.selectionStart !== input.selectionEnd;
  return isInInput || window.getSelection()?.isCollapsed === false;
}

function Prompt() {
  const words = laterText.verbs;
  const [typed, setTyped] = useState('');
  const [candidates, setCandidates] = useState<readonly string[]>([]);
  /** Place in the history; its length is the line that is being typed. */
  const [place, setPlace] = useState<number | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const history = useStore(log, state => state.history);
  const focus = useStore(log, state => state.focus);
  const seen = useRef(0);
  const id = useId();

  useEffect(() => {
    if (focus > seen.current) input.current?.focus();
    seen.current = focus;
  }, [focus]);

  const change = (next: string): void => {
    setTyped(next);
    setCandidates([]);
  };

  const older = (by: -1 | 1): void => {
    const next = Math.min(Math.max((place ?? history.length) + by, 0), history.length);
    setPlace(next === history.length ? null : next);
    change(history[next] ?? '');
  };

  /** Whether there was anything to complete. */
  const completeNow = (): boolean => {
    const state = machine.getState();
    const names = { symbols: symbolsOf(state), registers: state.view?.registers ?? null };
    const found = complete(typed, names);
    if (typed.trim() === '' || found.candidates.length === 0) return false;
    const [only, ...more] = found.candidates;
    if (more.length === 0) change(`${found.before}${only} `);
    else {
      const start = `${found.before}${commonStart(found.candidates)}`;
      setTyped(start.length > typed.length ? start : typed);
      setCandidates(found.candidates);
    }
    return true;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const isPlain = !event.altKey && !event.metaKey && !event.shiftKey;
    if (event.key === 'Enter') {
      void enter(typed);
      change('');
      setPlace(null);
    } else if (event.key === 'ArrowUp') older(-1);
    else if (event.key === 'ArrowDown') older(1);
    else if (event.key === 'Escape' && (candidates.length > 0 || typed !== '')) {
      if (candidates.length > 0) setCandidates([]);
      else change('');
    } else if (event.key === 'Tab' && isPlain && !event.ctrlKey) {
      // With nothing to complete, Tab goes on to what follows, as everywhere.
      if (!completeNow()) return;
    } else if (event.key === 'c' && event.ctrlKey && isPlain && !hasSelection(input.current)) interrupt();
    else if (event.key === 'l' && event.ctrlKey && isPlain) clearLog();
    else return;
    event.preventDefault();
  };

  return (
    <div className={styles.prompt}>
      {candidates.length > 0 && (
        <p className={styles.candidates} role="status">
          <span className="hidden-text">{words.candidates} </span>
          {candidates.join('  ')}
        </p>
      )}
      <div className={styles.row}>
        <span className={styles.sign} aria-hidden="true">
          {'>'}
        </span>
        <input
          ref={input}
          className={styles.input}
          aria-label={words.input}
          aria-describedby={`${id}-keys`}
          value={typed}
          placeholder="help"
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          onChange={event => {
            change(event.target.value);
            setPlace(null);
          }}
          onKeyDown={onKeyDown}
        />
        <span className={styles.keys} id={`${id}-keys`}>
          {words.keys}
        </span>
        <button type="button" className={styles.tool} aria-label={words.copy} title={words.copy} onClick={copy}>
          <ClipboardCopy size={14} />
        </button>
        <button type="button" className={styles.tool} aria-label={words.clear} title={words.clear} onClick={clearLog}>
          <Eraser size={14} />
        </button>
      </div>
    </div>
  );
}
