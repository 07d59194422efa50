import { useId } from 'react';
import type { ModeName } from '../../modes.ts';
import { type Circles, curve, pointOf } from './geometry.ts';
import styles from './Rings.module.css';
import { type Place, type Transition, whoIsAt } from './seats.ts';

interface Properties {
  readonly circles: readonly Circles[];
  readonly transition: Transition | null;
  readonly here: Place | null;
  readonly mode: ModeName;
}

/** The marker of the processor, and the arrow of how it came from ring to ring. What is said in words stands below the drawing. */
export function TransitionArrow({ circles, transition, here, mode }: Properties) {
  const id = useId();
  const at = here === null ? null : pointOf(circles, here);
  const who = here === null ? undefined : whoIsAt(mode, here);
  if (transition === null) {
    return at === null ? null : <circle className={styles.marker} data-who={who} cx={at.x} cy={at.y} r={5} />;
  }
  const [from, to] = [pointOf(circles, transition.from), pointOf(circles, transition.to)];
  const isFar = transition.from.operation !== transition.to.operation;
  const bend = isFar ? -30 : 14;
  const path = curve(from, to, bend);
  const way = transition.back ? `${path} ${curve(to, from, bend).replace('M', 'L')}` : path;
  const label = isFar
    ? { x: (from.x + to.x) / 2, y: Math.max(from.y, to.y) + 32 }
    : { x: Math.max(from.x, to.x) + 12, y: (from.y + to.y) / 2 + 16 };
  return (
    <g className={styles.transition} data-to={whoIsAt(mode, transition.to)}>
      <marker id={id} viewBox="0 0 10 10" refX="7" refY="5" markerWidth="6" markerHeight="6" orient="auto">
        <path d="M0 0L10 5L0 10z" />
      </marker>
      <path className={styles.arrow} d={path} markerEnd={`url(#${id})`} />
      {transition.back && (
        <path className={styles.arrow} data-back d={curve(to, from, bend)} markerEnd={`url(#${id})`} />
      )}
      <text className={styles.cause} x={label.x} y={label.y} data-far={isFar || undefined}>
        {transition.cause}
      </text>
      {at !== null && (
        <circle className={styles.marker} data-who={who} data-moves r={5} style={{ offsetPath: `path("${way}")` }} />
      )}
    </g>
  );
}
