import { X } from 'lucide-react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { isNarrow } from '../../narrow.ts';
import { machine } from '../../stores/machine.ts';
import { endTour, TOUR_STEPS, tour } from '../../stores/tour.ts';
import { windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { Prose } from '../../widgets/Prose.tsx';
import buttons from '../Buttons.module.css';
import { type Box, type Point, placeCard } from './place.ts';
import styles from './Tour.module.css';

/** What the steps are about, by data-tour. */
const TARGETS = ['next', 'step', 'happened', 'mode', 'run'] as const;
/** The steps that go on by themselves when the machine was stepped. */
const STEP = 1;
/** How often the places are looked at again, in milliseconds: panels come and go without telling. */
const LOOK_MS = 250;

/** What one might want to press, or is looking at. */
const CONTROLS =
  'header, button, input, a[href], summary, [role=tab], [role=separator], [data-tour=next], [data-tour=happened]';

function boxOf(element: Element): Box {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left, top, width, height };
}

/** The part of an element that is in view, or null. */
function targetOf(name: string): Box | null {
  const element = document.querySelector(`[data-tour=${name}]`);
  if (element === null) return null;
  const { left, top, width, height } = boxOf(element);
  const [right, bottom] = [Math.min(left + width, innerWidth), Math.min(top + height, innerHeight)];
  const seen = { left: Math.max(left, 0), top: Math.max(top, 0) };
  if (right <= seen.left || bottom <= seen.top) return null;
  return { ...seen, width: right - seen.left, height: bottom - seen.top };
}

/** Five cards beside the real things. Nothing waits for them: the page works as ever, and Escape ends them. */
export function Tour() {
  const step = useStore(tour, state => state.step) ?? 0;
  const wanted = useStore(tour, state => state.wanted);
  const card = useRef<HTMLElement>(null);
  const next = useRef<HTMLButtonElement>(null);
  const [place, setPlace] = useState<{ readonly card: Point; readonly target: Box | null } | null>(null);
  const words = laterText.tour;
  const isLast = step === TOUR_STEPS - 1;
  const go = (to: number): void => tour.setState({ step: to });

  const leave = (): void => {
    const hadFocus = card.current?.contains(document.activeElement) ?? false;
    endTour();
    if (hadFocus) document.querySelector<HTMLElement>('[data-primary]')?.focus();
  };

  // A card that has no place yet is hidden, and takes no focus.
  const isPlaced = place !== null;
  useEffect(() => {
    if (wanted && isPlaced) next.current?.focus();
  }, [wanted, isPlaced]);

  // What the first step is about is in the code.
  useEffect(() => {
    if (step === 0 && isNarrow()) windows.setState({ tab: 'code' });
  }, [step]);

  useEffect(() => {
    if (step !== STEP) return;
    const before = machine.getState().view?.instructions;
    return machine.subscribe(({ view }) => {
      if (view !== null && !view.running && view.instructions !== before) go(STEP + 1);
    });
  });

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      const isOthers = event.target instanceof Element && event.target.closest('dialog, [role=menu], .xterm, input');
      if (!isOthers && document.querySelector('dialog[open], [role=menu]') === null) leave();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  });

  useLayoutEffect(() => {
    const look = (): void => {
      const element = card.current;
      if (element === null) return;
      const target = targetOf(TARGETS[step]);
      const size = { width: element.offsetWidth, height: element.offsetHeight };
      const controls = [...document.querySelectorAll(CONTROLS)]
        .filter(control => !element.contains(control))
        .map(boxOf);
      const found = { card: placeCard({ width: innerWidth, height: innerHeight }, size, target, controls), target };
      setPlace(old => (JSON.stringify(old) === JSON.stringify(found) ? old : found));
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    addEventListener('resize', look);
    return () => {
      clearInterval(timer);
      removeEventListener('resize', look);
    };
  }, [step]);

  const { title, body } = words.steps[step];
  return (
    <>
      {place?.target && <div className={styles.ring} style={{ ...place.target }} aria-hidden="true" />}
      <section
        className={styles.card}
        ref={card}
        aria-label={words.label}
        style={place === null ? { visibility: 'hidden' } : { ...place.card }}
      >
        <header className={styles.header}>
          <span>{words.position(step + 1, TOUR_STEPS)}</span>
          <button
            type="button"
            className={`${buttons.close} ${styles.close}`}
            aria-label={words.skip}
            title={words.skip}
            onClick={leave}
          >
            <X size={15} />
          </button>
        </header>
        <div aria-live="polite">
          <h2>{title}</h2>
          <p>
            <Prose>{body}</Prose>
          </p>
        </div>
        <footer className={styles.footer}>
          <small>{words.keys}</small>
          {step > 0 && (
            <button type="button" className={buttons.button} onClick={() => go(step - 1)}>
              {words.back}
            </button>
          )}
          <button
            type="button"
            ref={next}
            className={`${buttons.button} ${buttons.primary}`}
            onClick={() => (isLast ? leave() : go(step + 1))}
          >
            {isLast ? words.done : words.next}
          </button>
        </footer>
      </section>
    </>
  );
}
