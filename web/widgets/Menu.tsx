import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import styles from './Menu.module.css';

export interface MenuItem {
  readonly label: ReactNode;
  readonly hint?: string;
  readonly icon?: ReactNode;
  /** Set on items of which one is chosen, or that are on or off by themselves. */
  readonly checked?: boolean;
  /** It is on or off by itself. */
  readonly toggles?: boolean;
  /** Its key, shown at the end. */
  readonly chord?: string;
  readonly disabled?: boolean;
  readonly choose?: () => void;
}

interface MenuGroup {
  readonly title?: string;
  readonly items: readonly MenuItem[];
}

interface Properties {
  readonly label: string;
  readonly button: ReactNode;
  readonly groups: readonly MenuGroup[];
  readonly align?: 'start' | 'end';
  readonly className?: string;
  /** Takes the room that is left in its row. */
  readonly stretch?: boolean;
}

/** Room at the sides of the window. */
const EDGE = 8;

/** Moves a menu that would end outside of the window sideways. */
function keepInside(list: HTMLElement | null): void {
  if (list === null) return;
  const { left, right } = list.getBoundingClientRect();
  const over = Math.max(right - (document.documentElement.clientWidth - EDGE), 0);
  const under = Math.max(EDGE - left, 0);
  if (over > 0 || under > 0) list.style.translate = `${under - over}px`;
}

function roleOf({ checked, toggles }: MenuItem): string {
  if (checked === undefined) return 'menuitem';
  return toggles ? 'menuitemcheckbox' : 'menuitemradio';
}

/** A button that opens a list of choices: arrow keys, Home, End and Escape as the ARIA practices have them. */
export function Menu({ label, button, groups, align = 'start', className, stretch }: Properties) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const id = useId();

  const items = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
  const close = (focus: boolean): void => {
    setOpen(false);
    if (focus) trigger.current?.focus();
  };

  useEffect(() => {
    if (!open) return;
    keepInside(menu.current);
    const list = [...(root.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
    (list.find(item => item.ariaChecked === 'true') ?? list[0])?.focus();
    const outside = (event: PointerEvent): void => {
      if (!(event.target instanceof Node && root.current?.contains(event.target))) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) {
      if (event.key === 'ArrowDown') {
        event.preventDefault();
        setOpen(true);
      }
      return;
    }
    const list = items();
    const at = list.indexOf(document.activeElement as HTMLElement);
    const target: Record<string, number> = {
      ArrowDown: (at + 1) % list.length,
      ArrowUp: (at + list.length - 1) % list.length,
      Home: 0,
      End: list.length - 1,
    };
    if (event.key in target) {
      event.preventDefault();
      list[target[event.key]]?.focus();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      close(true);
    } else if (event.key === 'Tab') {
      setOpen(false);
    }
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys come from the button and the items inside.
    <div className={styles.root} data-stretch={stretch} ref={root} onKeyDown={onKeyDown}>
      <button
        ref={trigger}
        type="button"
        className={className ?? styles.trigger}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        title={open ? undefined : label}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div ref={menu} className={styles.list} data-align={align} role="menu" id={id} aria-label={label}>
          {groups.map((group, g) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the groups of a menu are fixed.
            // biome-ignore lint/a11y/useSemanticElements: a group of menu items is no fieldset.
            <div key={g} role="group" aria-label={group.title} className={styles.group}>
              {group.title !== undefined && <div className={styles.title}>{group.title}</div>}
              {group.items.map((item, i) => (
                // biome-ignore lint/a11y/useAriaPropsSupportedByRole: only items that are checked get aria-checked.
                <button
                  // biome-ignore lint/suspicious/noArrayIndexKey: the items of a group keep their order.
                  key={i}
                  type="button"
                  tabIndex={-1}
                  className={styles.item}
                  role={roleOf(item)}
                  aria-checked={item.checked}
                  aria-disabled={item.disabled}
                  onClick={() => {
                    if (item.disabled) return;
                    close(true);
                    item.choose?.();
                  }}
                >
                  <span className={styles.icon}>{item.icon}</span>
                  <span className={styles.label}>
                    {item.label}
                    {item.hint !== undefined && <small>{item.hint}</small>}
                  </span>
                  {item.chord !== undefined && <kbd className={styles.chord}>{item.chord}</kbd>}
                </button>
              ))}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
