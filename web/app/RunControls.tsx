import {
  ArrowDownToDot,
  ArrowUpFromDot,
  ChevronsLeft,
  Cpu,
  Pause,
  Play,
  RedoDot,
  RotateCcw,
  SkipForward,
  UndoDot,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { chordOf } from '../keys.ts';
import { goBack, pause, reset, run, step, whyNotBack } from '../machine.ts';
import { isFinal, machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import styles from './Header.module.css';
import { UntilMenu } from './later.ts';

interface ControlProperties {
  readonly word: string;
  readonly hint: string;
  readonly keys: string;
  readonly icon: ReactNode;
  readonly enabled: boolean;
  readonly lit?: boolean;
  readonly iconOnly?: boolean;
  readonly className?: string | undefined;
  /** Under which the tour finds it. */
  readonly tour?: string;
  readonly onPress: () => void;
}

/** A button that keeps the focus when it cannot be pressed: stepping by keyboard goes on where it was. */
function Control({ word, hint, keys, icon, enabled, lit, iconOnly, className = '', tour, onPress }: ControlProperties) {
  return (
    <button
      type="button"
      className={`${styles.button} ${className}`}
      aria-disabled={!enabled}
      aria-label={word}
      aria-keyshortcuts={keys.replace('Ctrl', 'Control')}
      data-lit={(lit && enabled) || undefined}
      data-primary={lit || undefined}
      data-icon={iconOnly || undefined}
      data-tour={tour}
      title={`${word}: ${hint} (${keys})`}
      onClick={() => {
        if (enabled) onPress();
      }}
    >
      {icon}
      {!iconOnly && (
        <>
          <span>{word}</span> <kbd>{keys.replace('Shift+', '⇧').replace('Ctrl+', '⌃')}</kbd>
        </>
      )}
    </button>
  );
}

export function RunControls() {
  const here = useStore(machine, state => state.guest !== null && state.view !== null && state.failure === null);
  const running = useStore(machine, state => state.view?.running ?? false);
  const final = useStore(machine, state => state.view !== null && isFinal(state.view));
  const ready = here && !running && !final;
  const noBack = useStore(machine, state => whyNotBack(state.view));
  const words = text.run;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a toolbar is what these are.
    <div className={styles.run} role="group" aria-label={words.label}>
      <Control
        word={words.reset}
        hint={words.resetHint}
        keys={chordOf('reset')}
        icon={<RotateCcw size={15} />}
        enabled={here}
        lit={final}
        iconOnly
        onPress={reset}
      />
      <Control
        word={text.back.trap}
        hint={noBack === null ? text.back.trapHint : text.back[noBack]}
        keys={chordOf('backTrap')}
        icon={<ChevronsLeft size={15} />}
        enabled={here && noBack === null}
        iconOnly
        onPress={() => goBack('trap')}
      />
      <Control
        word={text.back.step}
        hint={noBack === null ? text.back.stepHint : text.back[noBack]}
        keys={chordOf('backStep')}
        icon={<UndoDot size={15} />}
        enabled={here && noBack === null}
        iconOnly
        onPress={() => goBack('step')}
      />
      <Control
        word={words.step}
        hint={words.stepHint}
        keys={chordOf('step')}
        icon={<ArrowDownToDot size={15} />}
        enabled={ready}
        lit={!final && !running}
        tour="step"
        onPress={() => step('into')}
      />
      <Control
        word={words.over}
        hint={words.overHint}
        keys={chordOf('over')}
        icon={<RedoDot size={15} />}
        enabled={ready}
        onPress={() => step('over')}
      />
      <Control
        word={words.out}
        hint={words.outHint}
        keys={chordOf('out')}
        icon={<ArrowUpFromDot size={15} />}
        enabled={ready}
        iconOnly
        onPress={() => step('out')}
      />
      <Control
        word={words.machine}
        hint={words.machineHint}
        keys={chordOf('machine')}
        icon={<Cpu size={15} />}
        enabled={ready}
        iconOnly
        onPress={() => step('machine')}
      />
      <span className={styles.split}>
        <Control
          word={words.trap}
          hint={words.trapHint}
          keys={chordOf('trap')}
          icon={<SkipForward size={15} />}
          enabled={ready}
          onPress={() => step('trap')}
        />
        <UntilMenu enabled={ready} />
      </span>
      <Control
        word={running ? words.pause : words.run}
        hint={running ? words.pauseHint : words.runHint}
        keys={chordOf(running ? 'pause' : 'run')}
        icon={running ? <Pause size={15} /> : <Play size={15} />}
        enabled={running || ready}
        lit={running}
        className={styles.toggle}
        onPress={running ? pause : run}
      />
    </div>
  );
}
