import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { count } from '../../format.ts';
import { account } from '../../stores/account.ts';
import { looks } from '../../stores/looks.ts';
import { machine } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import panel from '../Panel.module.css';
import { ExitSums } from './ExitSums.tsx';
import styles from './Exits.module.css';
import { exitTable, type Order, percent } from './exit-table.ts';

/** Why the guest left for the monitor, how often, and what that cost: as `perf kvm stat` tells it. */
export function ExitsPanel() {
  const bare = useStore(machine, state => state.view === null || state.view.monitor.setting.mode === 'bare');
  const now = useStore(account, state => state.now);
  const [order, setOrder] = useState<Order>('count');
  const words = laterText.exits;

  // The worker counts always, and tells only those who look.
  useEffect(() => {
    looks.setState({ account: true });
    return () => looks.setState({ account: false });
  }, []);

  const header = (
    <header className={`${panel.header} ${styles.header}`}>
      <h2>{words.label}</h2>
      {!bare && <span>{words.aside}</span>}
    </header>
  );
  if (bare || now === null) {
    return (
      <section className={panel.panel} aria-label={words.label}>
        {header}
        <p className={styles.empty}>{bare ? words.bare : words.none}</p>
      </section>
    );
  }
  const table = exitTable(now, order);
  const sortable = (column: Order) => (
    <th aria-sort={order === column ? 'descending' : 'none'}>
      <button type="button" className={styles.sort} title={words.hints[column]} onClick={() => setOrder(column)}>
        {words.columns[column]}
        <span aria-hidden="true">{order === column ? ' ▾' : ''}</span>
      </button>
    </th>
  );
  return (
    <section className={panel.panel} aria-label={words.label}>
      {header}
      <div className={styles.body}>
        <ExitSums account={now} />
        {table.lines.length === 0 ? (
          <p className={styles.empty}>{words.none}</p>
        ) : (
          <div className={panel.scroll}>
            <table className={`${panel.figures} ${panel.lines} ${styles.table}`}>
              <thead>
                <tr>
                  <th>{words.columns.reason}</th>
                  <th>{words.columns.kind}</th>
                  {sortable('count')}
                  <th>{words.columns.countShare}</th>
                  {sortable('monitor')}
                  <th>{words.columns.monitorShare}</th>
                  <th title={words.hints.each}>{words.columns.each}</th>
                </tr>
              </thead>
              <tbody>
                {table.lines.map(line => (
                  <tr key={`${line.kind} ${line.reason}`}>
                    <th scope="row" title={line.reason}>
                      {text.said(line.reason)}
                    </th>
                    <td>{words.kind[line.kind]}</td>
                    <td>{count(line.count)}</td>
                    <td>
                      <Bar share={line.countShare} />
                    </td>
                    <td>{count(line.monitor)}</td>
                    <td>
                      <Bar share={line.monitorShare} />
                    </td>
                    <td>{count(line.each)}</td>
                  </tr>
                ))}
              </tbody>
              <tfoot>
                <tr>
                  <th scope="row" colSpan={2}>
                    {words.total}
                  </th>
                  <td>{count(table.count)}</td>
                  <td />
                  <td>{count(table.monitor)}</td>
                  <td />
                  <td>{count(table.count === 0 ? 0 : table.monitor / table.count)}</td>
                </tr>
              </tfoot>
            </table>
          </div>
        )}
      </div>
    </section>
  );
}

function Bar({ share }: { readonly share: number }) {
  return (
    <span className={styles.share}>
      {percent(share)}
      <span className={styles.bar}>
        <span style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}
