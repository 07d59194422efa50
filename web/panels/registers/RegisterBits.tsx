import { type KeyboardEvent, useId, useState } from 'react';
import { hex } from '../../format.ts';
import { laterText } from '../../text/later.ts';
import styles from './Bits.module.css';
import type { BitRegister } from './bits.ts';
import { type Field, fieldsOf, fieldValue, unnamedBits } from './fields.ts';

interface Values {
  readonly value: number;
  /** At the stop before. */
  readonly before: number;
  /** What the machine holds, where that is something else. */
  readonly machine: number | null;
}

interface FieldsProperties extends Values {
  readonly name: string;
  /** From the highest bit down. */
  readonly fields: readonly Field[];
  /** Numbers of bits that are set and have no name. */
  readonly unnamed: readonly number[];
}

interface RegisterProperties extends Values {
  readonly register: BitRegister;
  /** CR4.PAE: decides how CR3 is read. */
  readonly isPae: boolean;
}

/** EFLAGS or a control register bit by bit. */
export function RegisterBits({ register, isPae, ...values }: RegisterProperties) {
  return (
    <FieldBits
      name={register.toUpperCase()}
      fields={fieldsOf(register, isPae)}
      unnamed={unnamedBits(register, values.value, isPae)}
      {...values}
    />
  );
}

/** Where a field lies, in words. */
function placeOf({ low, bits }: Field): string {
  const words = laterText.decoded;
  return bits === 1 ? words.bit(low) : words.bits(low + bits - 1, low);
}

/** What a field says: an address counts from bit 0. */
function written(value: number, field: Field): string {
  const number = fieldValue(value, field);
  return field.name === 'base' ? hex(number * 2 ** field.low) : `${number}`;
}

/** A register bit by bit: pointing at one, or moving to it, says what it means. */
export function FieldBits({ name, fields, unnamed, value, before, machine }: FieldsProperties) {
  const words = laterText.decoded;
  const [active, setActive] = useState<string | null>(null);
  const id = useId();
  const at = fields.findIndex(({ name }) => name === active);
  const shown = at < 0 ? null : fields[at];

  const onKeyDown = (event: KeyboardEvent): void => {
    const last = fields.length - 1;
    const target: Record<string, number> = {
      ArrowRight: Math.min(at + 1, last),
      ArrowDown: Math.min(at + 1, last),
      ArrowLeft: Math.max(at - 1, 0),
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: last,
    };
    if (!(event.key in target)) return;
    event.preventDefault();
    setActive(fields[target[event.key]].name);
  };

  return (
    <div className={styles.bits}>
      <div
        className={styles.fields}
        role="listbox"
        aria-label={words.label(name)}
        aria-activedescendant={shown === null ? undefined : `${id}-${shown.name}`}
        aria-orientation="horizontal"
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={() => setActive(active ?? fields[0].name)}
      >
        {fields.map(field => {
          const isOn = fieldValue(value, field) !== 0;
          const differs = machine !== null && fieldValue(machine, field) !== fieldValue(value, field);
          const changed = fieldValue(before, field) !== fieldValue(value, field);
          return (
            // biome-ignore lint/a11y/useFocusableInteractive: the keys stay with the list, which names the active one.
            <div
              key={field.name}
              id={`${id}-${field.name}`}
              role="option"
              className={styles.field}
              aria-selected={field.name === active}
              aria-label={[
                `${field.name}, ${placeOf(field)}: ${written(value, field)}`,
                differs ? words.machine(written(machine, field)) : '',
                field.says,
                field.section,
              ]
                .filter(Boolean)
                .join('. ')}
              data-on={isOn || undefined}
              data-changed={changed || undefined}
              data-differs={differs || undefined}
              onPointerEnter={() => setActive(field.name)}
            >
              <span>{field.name}</span>
              <b>{written(value, field)}</b>
            </div>
          );
        })}
      </div>
      {unnamed.length > 0 && (
        <p className={styles.says}>
          {words.reserved}: {unnamed.join(', ')}
        </p>
      )}
      <div className={styles.says}>
        {shown === null ? (
          <p>{words.hint}</p>
        ) : (
          <>
            <p>
              <strong>{shown.name}</strong> {placeOf(shown)} = {written(value, shown)}
              {machine !== null && fieldValue(machine, shown) !== fieldValue(value, shown) && (
                <span className={styles.machine}> {words.machine(written(machine, shown))}</span>
              )}
            </p>
            <p>
              {shown.says} <span className={styles.section}>{shown.section}</span>
            </p>
          </>
        )}
      </div>
    </div>
  );
}
