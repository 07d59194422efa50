import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useStore } from 'zustand';
import { modeOf } from '../../modes.ts';
import { fates } from '../../stores/fates.ts';
import { happenings, neighbour, shownHappening } from '../../stores/happenings.ts';
import { machine } from '../../stores/machine.ts';
import { laterText } from '../../text/later.ts';
import { later } from '../../widgets/later.tsx';
import { Prose } from '../../widgets/Prose.tsx';
import { Ring } from '../../widgets/Ring.tsx';
import { Section } from '../../widgets/Section.tsx';
import { guestPlace, runsIn } from '../rings/seats.ts';
import { BreakStory } from './BreakStory.tsx';
import styles from './Happened.module.css';
import { inMode } from './in-mode.ts';
import { type Kind, kindOf, kindOfHappening } from './instruction-kind.ts';
import { ModeTable } from './ModeTable.tsx';
import { SameStep } from './SameStep.tsx';
import { account } from './sentence.ts';
import { instructionOf, story } from './story.ts';

const HappeningDetails = later(async () => (await import('./HappeningDetails.tsx')).HappeningDetails);

fates.setState({
  of: (row, isUser, mode) => {
    const kind = kindOf(row, isUser);
    return kind === null ? null : laterText.inMode.outcome[inMode(kind, mode).outcome];
  },
});

export interface Properties {
  /** Sentences only. */
  readonly compact?: boolean;
  /** Somebody else says aloud what has happened. */
  readonly quiet?: boolean;
}

/** What has just happened, why, what the monitor did about it, and what the same would be in the other modes. */
export function Happened({ compact = false, quiet = false }: Properties) {
  const view = useStore(machine, state => state.view);
  const guest = useStore(machine, state => state.guest);
  const before = useStore(machine, state => state.before);
  const executed = useStore(machine, state => state.executed);
  const idle = useStore(machine, state => state.idle);
  const row = useStore(machine, state => state.code.find(line => line.address === state.codeEip) ?? null);
  const seen = useStore(happenings);

  const running = view?.running ?? false;
  const happening = view === null || running ? null : shownHappening(seen);
  const isPast = seen.shown !== null;
  const words = view === null || guest === null ? null : account({ view, row, before, executed, idle });
  const waiting = guest === null ? laterText.happened.empty : laterText.happened.starting;
  const sentence = words === null ? waiting : happening === null ? words.state : story(happening);
  const instruction = happening === null ? (words?.instruction ?? null) : instructionOf(happening);
  const hit = view !== null && !running && view.stop.kind === 'breakpoint' && !isPast ? (view.stop.hit ?? null) : null;
  const hasMonitor = happening !== null && happening.kind !== 'delivered';

  // The mode was switched since: the same step can be seen in the new one.
  const last = seen.list.at(-1);
  const mode = view === null ? null : modeOf(view.monitor.setting);
  const isSwitched = seen.isSwitched && view?.stop.kind === 'pause';
  const otherMode = happening === null && last !== undefined && isSwitched ? mode : null;

  let kind: Kind | null = null;
  if (happening !== null) kind = kindOfHappening(happening);
  else if (view !== null && !running) {
    const about = view.stop.kind === 'step' ? executed?.row : row;
    const isUser = (view.stop.kind === 'step' ? (before?.cpl ?? 0) : view.registers.cpl) === 3;
    if (about !== undefined && about !== null && about.bytes.length > 0) kind = kindOf(about, isUser);
  }

  const cpl = runsIn(mode ?? 'bare', view?.registers.cpl ?? 0);
  const isPrivilegedStep = mode === 'bare' && view?.stop.kind === 'step' && executed?.row.class === 'privileged';
  const body = (
    <div
      className={styles.card}
      data-tour="happened"
      data-ring={cpl}
      data-monitor={hasMonitor || undefined}
      data-compact={compact || undefined}
    >
      {words !== null && view !== null && (
        <p className={styles.place}>
          {instruction !== null && <code>{instruction}</code>}
          <span className={styles.rings}>
            {hasMonitor ? (
              <>
                <Ring cpl={guestPlace(modeOf(happening.setting), happening.user).ring} />
                <span>→</span>
                <span className={styles.monitor}>{laterText.happening.monitor}</span>
              </>
            ) : (
              <>
                {words.rings !== null && !isPast && (
                  <>
                    <Ring cpl={runsIn(mode ?? 'bare', words.rings[0])} />
                    <span>→</span>
                  </>
                )}
                <Ring cpl={cpl} />
              </>
            )}
          </span>
        </p>
      )}
      {/* Said aloud when the machine stops; while it runs the sentence does not change. */}
      <p role={quiet ? undefined : 'status'}>
        {hit === null ? <Prose>{sentence}</Prose> : <BreakStory hit={hit} state={words?.state ?? ''} />}
      </p>
      {hit !== null && happening !== null && (
        <p>
          <Prose>{sentence}</Prose>
        </p>
      )}
      {happening !== null && !compact && <HappeningDetails happening={happening} kind={kind} />}
      {words !== null && words.next !== null && !isPast && (
        <p className={styles.next}>
          <Prose>{words.next}</Prose>
        </p>
      )}
      {isPast && (
        <p className={styles.next}>
          {happening !== null && happening.step > (view?.instructions ?? 0)
            ? laterText.breaks.ahead
            : laterText.happening.past}
        </p>
      )}
      {otherMode !== null && !compact && <SameStep mode={otherMode} />}
    </div>
  );
  if (compact) return body;
  return (
    <Section title={laterText.happened.label} aside={seen.list.length > 0 && !running ? <History /> : undefined}>
      {body}
      {kind !== null && view !== null && (
        <ModeTable
          kind={kind}
          mode={modeOf(happening === null ? view.monitor.setting : happening.setting)}
          isLast={happening !== null ? happening === last : isPrivilegedStep}
        />
      )}
    </Section>
  );
}

/** Goes back and forth over what was seen. */
function History() {
  const seen = useStore(happenings);
  const now = shownHappening(seen);
  const at = now === null ? null : seen.list.indexOf(now) + 1;
  const button = (label: string, by: -1 | 1, icon: typeof ChevronLeft) => {
    const go = neighbour(seen, by);
    const Icon = icon;
    return (
      <button
        type="button"
        className={styles.step}
        aria-label={label}
        title={label}
        aria-disabled={go === null}
        onClick={() => go?.()}
      >
        <Icon size={14} />
      </button>
    );
  };
  return (
    <span className={styles.history}>
      {button(laterText.happening.previous, -1, ChevronLeft)}
      <span>{laterText.happening.position(at, seen.list.length)}</span>
      {button(laterText.happening.next, 1, ChevronRight)}
    </span>
  );
}
