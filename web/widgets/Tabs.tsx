import { type KeyboardEvent, type ReactNode, useRef } from 'react';
import styles from './Tabs.module.css';

interface Properties<T extends string> {
  readonly label: string;
  readonly tabs: readonly { readonly id: T; readonly label: string }[];
  readonly selected: T;
  readonly onSelect: (tab: T) => void;
  /** Stands at the end of the row. */
  readonly children?: ReactNode;
  readonly spread?: boolean;
  /** Under which the tour finds it. */
  readonly tour?: string;
}

/** A row of tabs; the panel below has the id `panel-ID`. */
export function Tabs<T extends string>({ label, tabs, selected, onSelect, children, spread, tour }: Properties<T>) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const by: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1 };
    if (!(event.key in by)) return;
    event.preventDefault();
    const at = tabs.findIndex(tab => tab.id === selected);
    const next = (at + by[event.key] + tabs.length) % tabs.length;
    onSelect(tabs[next].id);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <div className={styles.row} data-spread={spread} data-tour={tour}>
      <div className={styles.list} ref={list} role="tablist" aria-label={label}>
        {tabs.map(tab => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`tab-${tab.id}`}
            className={styles.tab}
            aria-selected={tab.id === selected}
            aria-controls={tab.id === selected ? `panel-${tab.id}` : undefined}
            tabIndex={tab.id === selected ? 0 : -1}
            onClick={() => onSelect(tab.id)}
            onKeyDown={onKeyDown}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {children}
    </div>
  );
}
