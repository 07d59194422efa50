import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { PageGuest } from '../guests.ts';
import { palette } from '../stores/palette.ts';
import { settings } from '../stores/settings.ts';
import { laterText } from '../text/later.ts';
import { allCommands, type Command, images } from './commands.ts';
import styles from './Palette.module.css';
import { type Result, resultsFor } from './results.ts';

/** So many of the last are listed first. */
const RECENT = 6;
const PAGE = 8;

function close(): void {
  palette.setState({ open: false });
}

/** Everything that the page can do, by name: a combobox with a list below, as the ARIA practices have it. */
export function Palette() {
  const words = laterText.palette;
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const [guests, setGuests] = useState<readonly PageGuest[]>([]);
  const recent = useStore(settings, state => state.recent);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    dialog.current?.showModal();
    void images().then(setGuests);
  }, []);

  const commands = useMemo(() => allCommands(guests), [guests]);
  const groups = useMemo(() => resultsFor(typed, commands, recent), [typed, commands, recent]);
  const flat = groups.flatMap(({ results }) => results);
  const at = Math.min(chosen, flat.length - 1);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the chosen one of each list is found in what was drawn.
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at, typed]);

  const choose = ({ id: used, obstacle, run }: Command): void => {
    if ((obstacle ?? null) !== null) return;
    settings.setState(state => ({ recent: [used, ...state.recent.filter(one => one !== used)].slice(0, RECENT) }));
    // The focus goes back to where it was before the command moves it.
    dialog.current?.close();
    run();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const last = flat.length - 1;
    const target: Record<string, number> = {
      ArrowDown: at >= last ? 0 : at + 1,
      ArrowUp: at <= 0 ? last : at - 1,
      PageDown: Math.min(at + PAGE, last),
      PageUp: Math.max(at - PAGE, 0),
    };
    if (event.key in target) setChosen(target[event.key]);
    else if (event.key === 'Enter') {
      if (flat[at] !== undefined) choose(flat[at].command);
    } else return;
    event.preventDefault();
  };

  let index = -1;
  return (
    <dialog
      className={styles.dialog}
      ref={dialog}
      aria-label={words.label}
      onClose={close}
      onClick={event => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
      onKeyDown={onKeyDown}
    >
      <input
        className={styles.input}
        role="combobox"
        aria-label={words.input}
        aria-expanded={flat.length > 0}
        aria-controls={`${id}-list`}
        aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
        aria-autocomplete="list"
        placeholder={words.placeholder}
        value={typed}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        autoFocus
        onChange={event => {
          setTyped(event.target.value);
          setChosen(0);
        }}
      />
      <div className={styles.list} ref={list} role="listbox" id={`${id}-list`} aria-label={words.label}>
        {groups.map(({ group, results }) => (
          // biome-ignore lint/a11y/useSemanticElements: a group of options is no fieldset.
          <div key={group} role="group" aria-labelledby={`${id}-${group}`}>
            <div className={styles.group} id={`${id}-${group}`}>
              {words.groups[group]}
            </div>
            {results.map(result => {
              index += 1;
              const mine = index;
              return (
                <Option
                  key={result.command.id}
                  id={`${id}-${mine}`}
                  result={result}
                  selected={mine === at}
                  onPoint={() => setChosen(mine)}
                  onChoose={() => choose(result.command)}
                />
              );
            })}
          </div>
        ))}
      </div>
      {flat.length === 0 && <p className={styles.none}>{words.none}</p>}
      <p className={styles.hints}>
        <span role="status">{typed === '' ? '' : words.count(flat.length)}</span>
        <span>{words.hints}</span>
      </p>
    </dialog>
  );
}

interface OptionProperties {
  readonly id: string;
  readonly result: Result;
  readonly selected: boolean;
  readonly onPoint: () => void;
  readonly onChoose: () => void;
}

function Option({ id, result: { command, places }, selected, onPoint, onChoose }: OptionProperties) {
  const obstacle = command.obstacle ?? null;
  const hint = obstacle ?? command.hint ?? '';
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the keys stay with the box above, which names the active one.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the box above takes the keys.
    <div
      className={styles.option}
      role="option"
      id={id}
      aria-selected={selected}
      aria-disabled={obstacle !== null || undefined}
      onPointerMove={selected ? undefined : onPoint}
      onClick={onChoose}
    >
      <span className={styles.label} data-code={command.group === 'symbol' || command.group === 'verb' || undefined}>
        {marked(command.label, places)}
      </span>
      {hint !== '' && <span className={styles.hint}>{hint}</span>}
      {(command.chord ?? '') !== '' && <kbd className={styles.chord}>{command.chord}</kbd>}
    </div>
  );
}

/** The label with its matching letters marked. */
function marked(label: string, places: readonly number[]) {
  if (places.length === 0) return label;
  const set = new Set(places);
  // biome-ignore lint/suspicious/noArrayIndexKey: the letters of a label never change places.
  return [...label].map((letter, n) => (set.has(n) ? <b key={n}>{letter}</b> : letter));
}
