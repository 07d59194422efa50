import { memo, useState } from 'react';
import { useStore } from 'zustand';
import type { VmcsField } from '../../../core/protocol/questions.ts';
import { hex } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { system } from '../../stores/system.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { vmcsValue } from '../../verbs/answers.ts';
import { useAsked } from '../asked.ts';
import { areasOf, changedFields } from './fields.ts';
import { OnRequest } from './OnRequest.tsx';
import styles from './System.module.css';

/** The virtual-machine control structure, field by field. Nothing is asked until the reader does. */
export function VmcsPanel() {
  const shown = useStore(system, state => state.vmcs);
  const isOpen = useStore(machine, state => state.view !== null);
  if (!isOpen) return null;
  return (
    <OnRequest title={laterText.vmcs.label} shown={shown} show={vmcs => system.setState({ vmcs })}>
      <Vmcs />
    </OnRequest>
  );
}

function Vmcs() {
  const isHardware = useStore(machine, state => state.view?.monitor.setting.mode === 'hardware');
  const { now, before } = useAsked(isHardware ? { kind: 'vmcs' as const } : null);
  const words = laterText.vmcs;
  if (!isHardware) return <p className={styles.empty}>{words.none}</p>;
  if (now === null) return null;
  if (now.kind === 'none') return <p className={styles.empty}>{text.said(now.message)}</p>;
  return <Fields fields={now.fields} before={before?.kind === 'vmcs' ? before.fields : null} />;
}

interface FieldsProperties {
  readonly fields: readonly VmcsField[];
  readonly before: readonly VmcsField[] | null;
}

function Fields({ fields, before }: FieldsProperties) {
  const [filter, setFilter] = useState('');
  const [onlyChanged, setOnlyChanged] = useState(false);
  const words = laterText.vmcs;
  const changed = changedFields(fields, before);
  const areas = areasOf(fields, filter.trim(), onlyChanged ? changed : null);
  const count = areas.reduce((sum, area) => sum + area.fields.length, 0);
  return (
    <>
      <div className={styles.bar}>
        <input
          className={styles.filter}
          type="search"
          aria-label={words.filter}
          placeholder={words.filterHint}
          value={filter}
          spellCheck={false}
          autoComplete="off"
          onChange={event => setFilter(event.target.value)}
        />
        <button
          type="button"
          className={styles.toggle}
          aria-pressed={onlyChanged}
          onClick={() => setOnlyChanged(!onlyChanged)}
        >
          {words.onlyChanged}
        </button>
      </div>
      <p className={styles.where} role="status">
        {count === 0
          ? onlyChanged && filter.trim() === ''
            ? words.noChange
            : words.nothing
          : words.aside(count, fields.length)}
      </p>
      {count > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard.
        <section className={styles.scroll} tabIndex={0} aria-label={words.list}>
          <table className={styles.table}>
            {areas.map(({ area, fields: list }) => (
              <tbody key={area}>
                <tr>
                  <th scope="rowgroup" colSpan={2} className={styles.area}>
                    {words.areas[area]}
                  </th>
                </tr>
                {list.map(field => (
                  <Field key={field.encoding} field={field} changed={changed.has(field.encoding)} />
                ))}
              </tbody>
            ))}
          </table>
        </section>
      )}
    </>
  );
}

interface FieldProperties {
  readonly field: VmcsField;
  readonly changed: boolean;
}

/** Some two hundred fields come anew each time, of which few are other ones. */
function isSameField(a: FieldProperties, b: FieldProperties): boolean {
  return a.changed === b.changed && JSON.stringify(a.field) === JSON.stringify(b.field);
}

const Field = memo(function Field({ field, changed }: FieldProperties) {
  const words = laterText.vmcs;
  return (
    <tr data-changed={changed || undefined} title={words.encoding(hex(field.encoding, 4))}>
      <th scope="row" className={styles.fieldName}>
        {field.name}
        {changed && <span className="hidden-text"> {words.changed}</span>}
        {field.meaning !== '' && <span className={styles.meaning}>{field.meaning}</span>}
      </th>
      <td className={styles.value}>{vmcsValue(field)}</td>
    </tr>
  );
}, isSameField);
