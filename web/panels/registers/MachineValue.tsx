import { text } from '../../text.ts';
import styles from './Registers.module.css';

interface Properties {
  readonly value: string;
  /** Why it is not what the guest believes. */
  readonly why: string;
}

/** What the machine holds where the guest believes something else, with the reason for those who point, or listen. */
export function MachineValue({ value, why }: Properties) {
  return (
    <span className={styles.machine} title={`${text.believed.machine}: ${why}`} data-machine>
      <span className="hidden-text">{text.believed.machine} </span>
      {value}
      <span className="hidden-text">. {why}</span>
    </span>
  );
}
