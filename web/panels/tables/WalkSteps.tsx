import { ChevronDown } from 'lucide-react';
import type { WalkReference, WalkView } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { goToMemory, windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { Prose } from '../../widgets/Prose.tsx';
import { AddressMenu } from '../changes/AddressMenu.tsx';
import styles from './Tables.module.css';
import { entryName, entryValue, faultText, groups, isVisible, letters, memoryReferences, rights } from './walk.ts';

function showEntry(address: number): void {
  windows.setState({ space: 'physical' });
  goToMemory(address);
}

/** Letters of an entry's bits, each with its meaning. */
function Letters({ reference }: { readonly reference: Pick<WalkReference, 'bits' | 'level'> }) {
  const { bits, level } = reference;
  if (!bits.present) return <em className={styles.absent}>{laterText.walk.absent}</em>;
  return letters(bits, level).map(letter => (
    <abbr key={letter} className={styles.letter} title={`${letter}: ${laterText.walk.bits[letter]}`}>
      {letter}
    </abbr>
  ));
}

/** One entry: its number in the processor's order, its name, where it is, what it says. */
function Step({ reference }: { readonly reference: WalkReference }) {
  const { number, tables, address, machine, pseudo } = reference;
  const title = machine === null ? undefined : laterText.walk.liesAt(hex(machine));
  return (
    <tr data-tables={tables} data-present={reference.bits.present || undefined}>
      <td className={styles.number}>{number ?? ''}</td>
      <th scope="row">
        {address !== null && isVisible(tables) ? (
          <AddressMenu
            space="physical"
            address={address}
            level={reference.level}
            className={styles.entry}
            button={
              <>
                {entryName(reference)}
                <ChevronDown size={11} aria-hidden="true" />
              </>
            }
          />
        ) : (
          entryName(reference)
        )}
      </th>
      <td title={title}>
        {address === null ? (
          <em title={laterText.walk.register}>{laterText.walk.registerShort}</em>
        ) : isVisible(tables) ? (
          <button type="button" title={laterText.walk.showEntry(hex(address))} onClick={() => showEntry(address)}>
            {hex(address)}
          </button>
        ) : (
          hex(address)
        )}
        {pseudo !== null && (
          <small className={styles.pseudo} title={laterText.walk.pseudoHint}>
            {laterText.walk.pseudoShort(hex(pseudo))}
          </small>
        )}
      </td>
      <td className={styles.entryValue}>
        {entryValue(reference).slice(0, -8)}
        <wbr />
        {entryValue(reference).slice(-8)}
      </td>
      <td className={styles.letters}>
        <Letters reference={reference} />
      </td>
    </tr>
  );
}

/** The entries of a walk in the processor's order, and where it comes to. */
export function WalkSteps({ walk, isPara = false }: { readonly walk: WalkView; readonly isPara?: boolean }) {
  const { columns } = laterText.walk;
  const headings = [columns.number, columns.entry, columns.address, columns.value, columns.bits];
  return (
    <>
      {walk.references.length > 0 && (
        <table className={styles.steps}>
          <thead>
            <tr>
              {headings.map(heading => (
                <th key={heading} scope="col">
                  {heading}
                </th>
              ))}
            </tr>
          </thead>
          {groups(walk).map(({ translates, references }) => (
            <tbody key={`${translates?.address ?? ''} ${references[0].number} ${references[0].level}`}>
              {translates !== null && (
                <tr className={styles.group}>
                  <th colSpan={5} scope="rowgroup">
                    {laterText.walk.translating(hex(translates.address), translates.what)}
                  </th>
                </tr>
              )}
              {references.map(reference => (
                <Step key={`${reference.level} ${reference.number}`} reference={reference} />
              ))}
            </tbody>
          ))}
        </table>
      )}
      {walk.physical === null ? (
        <p className={styles.fault}>{walk.fault !== null && <Prose>{faultText(walk.fault)}</Prose>}</p>
      ) : (
        <p className={styles.reached}>
          <span className={styles.arrow} aria-hidden="true">
            →
          </span>
          {isPara ? laterText.walk.reachedFrame : laterText.walk.reached[walk.tables]} <b>{hex(walk.physical)}</b>
          <span className={styles.rights}>{rights(walk)}</span>
        </p>
      )}
      {walk.references.length > 0 && <p className="hidden-text">{laterText.walk.references(memoryReferences(walk))}</p>}
    </>
  );
}
