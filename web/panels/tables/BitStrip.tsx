import { laterText } from '../../text/later.ts';
import styles from './Tables.module.css';
import { type AddressPart, addressParts, binary, partValue, stripText } from './walk.ts';

interface Properties {
  readonly linear: number;
  readonly pae: boolean;
  readonly pageSize: number;
}

function Part({ part }: { readonly part: AddressPart }) {
  return (
    <span className={styles.part} data-part={part.part} style={{ flexGrow: part.bits }}>
      <span className={styles.digits}>{binary(part.value, part.bits)}</span>
      <span className={styles.partName}>
        {laterText.walk.parts[part.part]} <b>{partValue(part)}</b>
      </span>
    </span>
  );
}

/** The bits of a linear address as paging cuts them: each stretch picks an entry, or is the offset. */
export function BitStrip({ linear, pae, pageSize }: Properties) {
  const parts = addressParts(linear, pae, pageSize);
  return (
    <div className={styles.strip} role="img" aria-label={stripText(linear, parts)}>
      {parts.map(part => (
        <Part key={part.part} part={part} />
      ))}
    </div>
  );
}
