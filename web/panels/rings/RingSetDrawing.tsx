import { text } from '../../text.ts';
import { type Circles, innerRadius } from './geometry.ts';
import styles from './Rings.module.css';
import type { Place, RingNumber, RingSet } from './seats.ts';

const OUTER_FIRST: readonly RingNumber[] = [3, 2, 1, 0];

interface Properties {
  readonly circles: Circles;
  readonly who: RingSet['who'];
  /** Where the processor is, or null while it runs. */
  readonly here: Place | null;
  readonly explain: (place: Place) => string;
  readonly onPoint: (place: Place | null) => void;
}

/** Four rings with who sits in them. Each explains itself to those who point at it. */
export function RingSetDrawing({ circles, who, here, explain, onPoint }: Properties) {
  const { operation, x, y, radius } = circles;
  const isSmall = operation !== 'only';
  return (
    <g>
      {OUTER_FIRST.map(ring => {
        const place: Place = { operation, ring };
        const isHere = here !== null && here.operation === operation && here.ring === ring;
        const name = text.rings.who[who[ring]];
        // In a narrow band the number says enough where nobody is.
        const label =
          isSmall && who[ring] === 'empty' ? `${ring}` : isSmall ? name : `${text.rings.ring(ring)} · ${name}`;
        // Nearer to the middle than to the edge, where the band is wider.
        const inner = innerRadius(circles, ring);
        const baseline = y - (inner + (radius[ring] - inner) * 0.42) + 3.5;
        return (
          // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a part of a drawing does nothing but explain itself.
          <g
            key={ring}
            role="img"
            // What pointing at it says must be reachable by keyboard.
            tabIndex={0}
            aria-label={explain(place)}
            className={styles.ring}
            data-who={who[ring]}
            data-here={isHere || undefined}
            onPointerEnter={() => onPoint(place)}
            onPointerLeave={() => onPoint(null)}
            onFocus={() => onPoint(place)}
            onBlur={() => onPoint(null)}
          >
            <circle cx={x} cy={y} r={radius[ring] - 0.75} />
            {ring === 0 ? (
              <>
                <text x={x} y={y - 5} className={styles.label}>
                  {text.rings.ring(0)}
                </text>
                <text x={x} y={y + 7} className={styles.label}>
                  {name}
                </text>
              </>
            ) : (
              <text x={x} y={baseline} className={styles.label}>
                {label}
              </text>
            )}
          </g>
        );
      })}
      {isSmall && (
        <text x={x} y={13} className={styles.caption}>
          {operation === 'root' ? text.rings.root : text.rings.nonRoot}
        </text>
      )}
    </g>
  );
}
