import { useState } from 'react';
import { useStore } from 'zustand';
import { type ModeName, modeOf } from '../../modes.ts';
import { happenings, shownHappening } from '../../stores/happenings.ts';
import { machine } from '../../stores/machine.ts';
import { text } from '../../text.ts';
import { Section } from '../../widgets/Section.tsx';
import { circlesOf, HEIGHT, WIDTH } from './geometry.ts';
import { RingSetDrawing } from './RingSetDrawing.tsx';
import styles from './Rings.module.css';
import {
  isSame,
  type Place,
  placeOf,
  RING_SETS,
  type RingNumber,
  type Transition,
  type Who,
  whoIsAt,
} from './seats.ts';
import { TransitionArrow } from './TransitionArrow.tsx';
import { ofHappening } from './transition.ts';

/** What a ring is for. */
function explain(mode: ModeName, { operation, ring }: Place): string {
  const words = text.rings.explain;
  switch (whoIsAt(mode, { operation, ring })) {
    case 'processes':
      return operation === 'nonRoot' ? words.nonRootProcesses : words.processes;
    case 'kernel':
      return words.kernel[mode];
    case 'monitor':
      return operation === 'root' ? words.rootMonitor : words.monitor;
    case 'empty':
      return operation === 'root' ? words.rootEmpty(ring) : words.empty(ring);
  }
}

/** A place in a few words: "ring 1 (kernel)". */
function placeName(mode: ModeName, place: Place): string {
  return text.rings.place[place.operation](place.ring, text.rings.who[whoIsAt(mode, place)]);
}

function seatSentence(mode: ModeName, place: Place, isTranslated: boolean): string {
  const words = text.rings.seat;
  const who: Who = whoIsAt(mode, place);
  if (who === 'monitor') return words.monitor;
  if (place.operation === 'nonRoot') return words.nonRoot(place.ring);
  if (who === 'processes') return words.processes;
  if (isTranslated) return words.translated;
  return place.ring === 0 ? words.kernel(0) : words.deprivileged(place.ring);
}

/** Who sits in which ring, where the processor is, and how it last came from one to another. */
export function RingsPanel() {
  const view = useStore(machine, state => state.view);
  const before = useStore(machine, state => state.before);
  const executed = useStore(machine, state => state.executed);
  const seen = useStore(happenings);
  const [pointed, setPointed] = useState<Place | null>(null);
  if (view === null) return null;
  const { setting, seat } = view.monitor;
  const happening = view.running ? null : shownHappening(seen);
  const isPast = seen.shown !== null;
  const mode = modeOf(isPast && happening !== null ? happening.setting : setting);
  const sets = RING_SETS[mode];
  const circles = circlesOf(sets);
  const { cpl } = view.registers;
  const here = view.running || isPast ? null : placeOf(mode, seat);

  let transition: Transition | null = null;
  let key = view.instructions;
  if (happening !== null) {
    transition = ofHappening(happening, isPast ? null : seat, cpl);
    key = happening.serial;
  } else if (here !== null && executed !== null && before !== null && before.cpl !== cpl) {
    const kernelOrUser = (level: RingNumber): Place => ({ ...here, ring: level === cpl ? here.ring : level });
    const from = kernelOrUser(before.cpl);
    const cause = executed.row.text.split(' ', 1)[0];
    transition = isSame(from, here) ? null : { from, to: here, cause, back: false };
  }

  const sentences =
    here === null ? (view.running ? [text.rings.seat.running] : []) : [seatSentence(mode, here, seat.translated)];
  if (transition !== null) {
    sentences.push(
      text.rings.last(transition.cause, placeName(mode, transition.from), placeName(mode, transition.to)),
      ...(transition.back ? [text.rings.back] : []),
    );
  }
  const isPointed = pointed !== null && sets.some(set => set.operation === pointed.operation);

  return (
    <Section title={text.rings.label} aside={text.rings.aside[mode]}>
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing whose parts explain themselves is no fieldset. */}
      <svg
        className={styles.drawing}
        viewBox={`0 0 ${WIDTH} ${sets.length === 1 ? HEIGHT.one : HEIGHT.two}`}
        role="group"
        aria-label={text.rings.label}
        data-kernel={sets[0].who.indexOf('kernel')}
      >
        {circles.map((circle, n) => (
          <RingSetDrawing
            key={circle.operation}
            circles={circle}
            who={sets[n].who}
            here={here}
            explain={place => explain(mode, place)}
            onPoint={setPointed}
          />
        ))}
        <TransitionArrow key={`${mode} ${key}`} circles={circles} transition={transition} here={here} mode={mode} />
      </svg>
      <p className={styles.sentence}>{isPointed ? explain(mode, pointed) : sentences.join(text.units.gap)}</p>
    </Section>
  );
}
