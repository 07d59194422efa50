import { Fragment, type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { isClosable, setOpen } from '../stores/parts.ts';
import { settings } from '../stores/settings.ts';
import { text } from '../text.ts';
import { type Extent, fitting, moveEdge, type Sizes, toPercent } from './edges.ts';
import styles from './Split.module.css';

export interface Part {
  readonly id: string;
  /** What to call it where it is resized. */
  readonly label: string;
  /** At first, in percent. */
  readonly size: number;
  /** Bounds in pixels. */
  readonly least: number;
  readonly most?: number;
  readonly className?: string | undefined;
  readonly content: ReactNode;
}

interface Properties {
  /** Under which its sizes are remembered. */
  readonly name: string;
  readonly vertical?: boolean;
  readonly parts: readonly Part[];
}

/** How far an arrow key moves an edge, in pixels. */
const STRIDE = 32;

/** Parts side by side, or one below the other, with edges that are moved by pointer or arrow keys. Closed parts are not drawn at all. */
export function Split({ name, vertical = false, parts }: Properties) {
  const root = useRef<HTMLDivElement>(null);
  const closed = useStore(settings, state => state.closed);
  const stored = useStore(settings, state => state.layouts[name]);
  const [moving, setMoving] = useState<{ readonly edge: string; readonly sizes: Sizes } | null>(null);
  /** Where a drag began: the pointer, and the sizes of then. */
  const start = useRef<{ readonly at: number; readonly pixels: ReadonlyMap<string, number> } | null>(null);

  const first = Object.fromEntries(parts.map(({ id, size }) => [id, size]));
  const sizes = moving?.sizes ?? fitting(stored, first);
  const shown = parts.filter(({ id }) => !(isClosable(id) && closed.includes(id)));

  const measure = (): ReadonlyMap<string, number> => {
    const elements = [...(root.current?.children ?? [])].filter(child => child.matches('[data-part]'));
    return new Map(
      elements.map((element, i) => {
        const { width, height } = element.getBoundingClientRect();
        return [shown[i].id, vertical ? height : width];
      }),
    );
  };
  const store = (next: Sizes): void =>
    settings.setState(state => ({ layouts: { ...state.layouts, [name]: { ...next } } }));

  /** The sizes after a wish to move the edge; null where a part was closed instead, which the arrow keys do not do. */
  const moved = (
    before: Part,
    after: Part,
    pixels: ReadonlyMap<string, number>,
    wish: number,
    closes: boolean,
  ): Sizes | null => {
    const extent = ({ id, least, most = Number.POSITIVE_INFINITY }: Part): Extent => ({
      size: pixels.get(id) ?? 0,
      least,
      most,
      closable: closes && isClosable(id),
    });
    const move = moveEdge(extent(before), extent(after), wish);
    if ('close' in move) {
      const { id } = move.close === 'before' ? before : after;
      if (isClosable(id)) setOpen(id, false);
      return null;
    }
    const next = new Map(pixels);
    next.set(before.id, (pixels.get(before.id) ?? 0) + move.by);
    next.set(after.id, (pixels.get(after.id) ?? 0) - move.by);
    return toPercent(sizes, next);
  };

  const edge = (before: Part, after: Part): ReactNode => {
    const about = isClosable(after.id) ? after : before;
    const place = (event: PointerEvent): number => (vertical ? event.clientY : event.clientX);
    const end = (): void => {
      start.current = null;
      setMoving(null);
    };
    const onKeyDown = (event: KeyboardEvent): void => {
      const far = Number.MAX_SAFE_INTEGER;
      const by: Readonly<Record<string, number>> = vertical
        ? { ArrowUp: -STRIDE, ArrowDown: STRIDE, Home: -far, End: far }
        : { ArrowLeft: -STRIDE, ArrowRight: STRIDE, Home: -far, End: far };
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === 'Enter' && isClosable(about.id)) setOpen(about.id, false);
      else if (event.key in by) {
        const next = moved(before, after, measure(), by[event.key], false);
        if (next !== null) store(next);
      } else return;
      event.preventDefault();
    };
    return (
      // biome-ignore lint/a11y/useSemanticElements: a separator that moves is no thematic break.
      <div
        className={styles.edge}
        role="separator"
        tabIndex={0}
        aria-label={`${text.layout.resize}: ${about.label}`}
        aria-orientation={vertical ? 'horizontal' : 'vertical'}
        aria-controls={`part-${before.id}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round((100 * sizes[before.id]) / (sizes[before.id] + sizes[after.id]))}
        data-moving={moving?.edge === before.id || undefined}
        onKeyDown={onKeyDown}
        // Nothing is selected on the way, which would be dragged instead.
        onMouseDown={event => event.preventDefault()}
        onDoubleClick={() => store(first)}
        onPointerDown={event => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          start.current = { at: place(event), pixels: measure() };
        }}
        onPointerMove={event => {
          if (start.current === null) return;
          const next = moved(before, after, start.current.pixels, place(event) - start.current.at, true);
          if (next === null) end();
          else setMoving({ edge: before.id, sizes: next });
        }}
        onPointerUp={() => {
          // What was closed on the way opens as it was before.
          if (moving !== null) store(moving.sizes);
          end();
        }}
        onPointerCancel={end}
      />
    );
  };

  return (
    <div className={styles.split} data-vertical={vertical || undefined} ref={root}>
      {shown.map((part, i) => (
        <Fragment key={part.id}>
          {i > 0 && edge(shown[i - 1], part)}
          <div
            id={`part-${part.id}`}
            data-part
            className={`${styles.part} ${part.className ?? ''}`}
            style={{
              flexGrow: sizes[part.id],
              [vertical ? 'minHeight' : 'minWidth']: part.least,
              [vertical ? 'maxHeight' : 'maxWidth']: part.most,
            }}
          >
            {part.content}
          </div>
        </Fragment>
      ))}
    </div>
  );
}
