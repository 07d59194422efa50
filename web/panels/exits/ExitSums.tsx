import type { Account } from '../../../core/protocol/monitor.ts';
import { count } from '../../format.ts';
import { laterText } from '../../text/later.ts';
import panel from '../Panel.module.css';
import styles from './Exits.module.css';
import { percent, sums } from './exit-table.ts';

/** How much of the guest the machine ran itself, how much was emulated, and what the monitor spent. */
export function ExitSums({ account }: { readonly account: Account }) {
  const words = laterText.exits.sums;
  const { guest, share } = sums(account);
  const rings = ['user', 'kernel'] as const;
  return (
    <div className={styles.sums}>
      <table className={panel.figures}>
        <caption>
          {words.label}
          {share !== null && <b>{words.share(percent(share))}</b>}
        </caption>
        <thead>
          <tr>
            <td />
            <th scope="col" title={words.directHint}>
              {words.direct}
            </th>
            <th scope="col" title={words.emulatedHint}>
              {words.emulated}
            </th>
          </tr>
        </thead>
        <tbody>
          {rings.map(ring => (
            <tr key={ring} data-ring={ring}>
              <th scope="row">{words[ring]}</th>
              <td>{count(account[ring].direct)}</td>
              <td>{count(account[ring].emulated)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {guest > 0 && (
        <div className={styles.stack} aria-hidden="true">
          <span data-part="user" style={{ flexGrow: account.user.direct / guest }} />
          <span data-part="kernel" style={{ flexGrow: account.kernel.direct / guest }} />
          <span data-part="emulated" style={{ flexGrow: (account.user.emulated + account.kernel.emulated) / guest }} />
        </div>
      )}
      <dl>
        <div>
          <dt title={words.monitorHint}>{words.monitor}</dt>
          <dd title={words.monitorHint}>{count(account.monitor)}</dd>
        </div>
        <div>
          <dt>{words.injected}</dt>
          <dd>{count(account.injected)}</dd>
        </div>
      </dl>
    </div>
  );
}
