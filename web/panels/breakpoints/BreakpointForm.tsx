import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import type { BreakOn, Breakpoint } from '../../../core/protocol/breakpoints.ts';
import { setBreakpoints } from '../../machine.ts';
import { account } from '../../stores/account.ts';
import { breakpoints, newBreakpoint } from '../../stores/breakpoints.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { AddressInput } from '../../widgets/AddressInput.tsx';
import { Prose } from '../../widgets/Prose.tsx';
import { EXCEPTIONS } from '../happened/cause.ts';
import styles from './Breakpoints.module.css';
import { type Draft, draftOf, EMPTY, make, type Wrong } from './draft.ts';

const KINDS: readonly BreakOn['kind'][] = [
  'execute',
  'write',
  'access',
  'exit',
  'hypercall',
  'delivery',
  'pageFault',
  'cr3',
  'ring',
];

interface Properties {
  /** The one that is changed; null: a new one. */
  readonly old: Breakpoint | null;
  readonly onClose: () => void;
}

/** Describes a breakpoint: what it waits for, and when that counts. */
export function BreakpointForm({ old, onClose }: Properties) {
  const [draft, setDraft] = useState<Draft>(() => (old === null ? EMPTY : draftOf(old)));
  const [wrong, setWrong] = useState<Wrong | null>(null);
  const first = useRef<HTMLSelectElement>(null);
  const id = useId();
  const words = laterText.breaks.form;
  useEffect(() => first.current?.focus(), []);

  const set = (part: Partial<Draft>): void => {
    setDraft({ ...draft, ...part });
    setWrong(null);
  };
  const wrongIn = (field: Wrong['field']): string | null => (wrong?.field === field ? text.said(wrong.message) : null);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const made = make(draft);
    if ('field' in made) {
      setWrong(made);
      return;
    }
    const { list } = breakpoints.getState();
    const next =
      old === null
        ? [...list, newBreakpoint(made.on, made.condition, made.ignore)]
        : list.map(one => (one.id === old.id ? { ...old, ...made } : one));
    const refused = await setBreakpoints(next);
    if (refused === null) onClose();
    else setWrong({ field: 'condition', message: refused });
  };

  return (
    <form
      className={styles.form}
      aria-label={old === null ? words.add : words.edit}
      onSubmit={event => void submit(event)}
      onKeyDown={event => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <Field label={words.kind} htmlFor={`${id}-kind`}>
        <select
          id={`${id}-kind`}
          ref={first}
          value={draft.kind}
          aria-describedby={`${id}-kind-hint`}
          onChange={event => set({ kind: KINDS[event.target.selectedIndex] })}
        >
          {KINDS.map(kind => (
            <option key={kind} value={kind}>
              {laterText.breaks.kinds[kind]}
            </option>
          ))}
        </select>
      </Field>
      <p className={styles.hint} id={`${id}-kind-hint`}>
        {laterText.breaks.kindHints[draft.kind]}
      </p>
      <Particulars draft={draft} wrongIn={wrongIn} onChange={set} />
      <Field label={words.condition} htmlFor={`${id}-condition`}>
        <input
          id={`${id}-condition`}
          className={styles.code}
          value={draft.condition}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          aria-invalid={wrongIn('condition') !== null}
          aria-describedby={`${id}-condition-hint`}
          onChange={event => set({ condition: event.target.value })}
        />
      </Field>
      <div id={`${id}-condition-hint`}>
        {wrongIn('condition') === null ? (
          <p className={styles.hint}>
            <Prose>{words.conditionHint}</Prose>
          </p>
        ) : (
          <p className={styles.wrong} role="alert">
            {wrongIn('condition')}
          </p>
        )}
      </div>
      <Field label={words.ignore} htmlFor={`${id}-ignore`}>
        <input
          id={`${id}-ignore`}
          className={styles.number}
          inputMode="numeric"
          value={draft.ignore}
          aria-invalid={wrongIn('ignore') !== null}
          aria-describedby={wrongIn('ignore') === null ? undefined : `${id}-ignore-wrong`}
          onChange={event => set({ ignore: event.target.value })}
        />
      </Field>
      {wrongIn('ignore') !== null && (
        <p className={styles.wrong} id={`${id}-ignore-wrong`} role="alert">
          {wrongIn('ignore')}
        </p>
      )}
      <div className={styles.actions}>
        <button type="button" onClick={onClose}>
          {words.cancel}
        </button>
        <button type="submit" data-primary>
          {old === null ? words.set : words.save}
        </button>
      </div>
    </form>
  );
}

interface ParticularsProperties {
  readonly draft: Draft;
  readonly wrongIn: (field: Wrong['field']) => string | null;
  readonly onChange: (part: Partial<Draft>) => void;
}

/** The fields that the kind has. */
function Particulars({ draft, wrongIn, onChange }: ParticularsProperties) {
  const exits = useStore(account, state => state.now?.exits ?? null);
  const id = useId();
  const words = laterText.breaks.form;
  const { kind } = draft;
  switch (kind) {
    case 'execute':
    case 'write':
    case 'access':
    case 'pageFault': {
      const label = kind === 'pageFault' ? words.page : words.address;
      return (
        <>
          <Field label={label}>
            <span className={styles.address}>
              <AddressInput
                label={label}
                typed={draft.address}
                wrong={wrongIn('address')}
                onType={address => onChange({ address })}
              />
            </span>
          </Field>
          {(kind === 'write' || kind === 'access') && (
            <Field label={words.length} htmlFor={`${id}-length`}>
              <select
                id={`${id}-length`}
                value={draft.length}
                onChange={event => onChange({ length: ([1, 2, 4] as const)[event.target.selectedIndex] })}
              >
                <option value={1}>1</option>
                <option value={2}>2</option>
                <option value={4}>4</option>
              </select>
            </Field>
          )}
        </>
      );
    }
    case 'exit':
    case 'hypercall': {
      const isCall = kind === 'hypercall';
      const reasons = (exits ?? []).filter(row => !isCall || row.kind === 'hypercall').map(({ reason }) => reason);
      return (
        <Field label={isCall ? words.name : words.reason} htmlFor={`${id}-name`}>
          <Choosable id={`${id}-name`} value={draft.name} offers={reasons} onChange={name => onChange({ name })} />
        </Field>
      );
    }
    case 'delivery':
      return (
        <>
          <Field label={words.vector} htmlFor={`${id}-vector`}>
            <Choosable
              id={`${id}-vector`}
              value={draft.vector}
              offers={EXCEPTIONS.filter(name => name.startsWith('#') || name === 'NMI')}
              placeholder={words.vectorHint}
              wrong={wrongIn('vector')}
              onChange={vector => onChange({ vector })}
            />
          </Field>
          {wrongIn('vector') !== null && (
            <p className={styles.wrong} id={`${id}-vector-wrong`} role="alert">
              {wrongIn('vector')}
            </p>
          )}
        </>
      );
    case 'cr3':
      return null;
    case 'ring':
      return (
        <Field label={words.ring} htmlFor={`${id}-ring`}>
          <select
            id={`${id}-ring`}
            value={draft.ring ?? ''}
            onChange={event => onChange({ ring: ([null, 0, 1, 2, 3] as const)[event.target.selectedIndex] })}
          >
            <option value="">{words.anyRing}</option>
            {[0, 1, 2, 3].map(ring => (
              <option key={ring} value={ring}>
                {words.ringN(ring)}
              </option>
            ))}
          </select>
        </Field>
      );
  }
}

interface ChoosableProperties {
  readonly id: string;
  readonly value: string;
  readonly offers: readonly string[];
  readonly placeholder?: string;
  readonly wrong?: string | null;
  readonly onChange: (value: string) => void;
}

/** A text that may be chosen among some, or typed. */
function Choosable({ id, value, offers, placeholder, wrong = null, onChange }: ChoosableProperties) {
  return (
    <>
      <input
        id={id}
        className={styles.code}
        list={`${id}-offers`}
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        aria-invalid={wrong !== null}
        aria-describedby={wrong === null ? undefined : `${id}-wrong`}
        onChange={event => onChange(event.target.value)}
      />
      <datalist id={`${id}-offers`}>
        {offers.map(offer => (
          <option key={offer} value={offer} />
        ))}
      </datalist>
    </>
  );
}

interface FieldProperties {
  readonly label: string;
  /** Id of the control; without one it has its own label. */
  readonly htmlFor?: string;
  readonly children: ReactNode;
}

function Field({ label, htmlFor, children }: FieldProperties) {
  return (
    <div className={styles.field}>
      {htmlFor === undefined ? <span aria-hidden="true">{label}</span> : <label htmlFor={htmlFor}>{label}</label>}
      {children}
    </div>
  );
}
