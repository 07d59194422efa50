import { Circle, CirclePause, CirclePlay, CircleStop, History, Moon } from 'lucide-react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import { count, rate } from '../format.ts';
import { isFinal, type MachineState, machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import styles from './Header.module.css';

type State = 'none' | 'starting' | 'running' | 'searching' | 'halted' | 'paused' | 'stopped';

function stateOf({ guest, view, idle }: MachineState): State {
  if (guest === null) return 'none';
  if (view === null) return 'starting';
  if (view.running && view.past?.isSearching === true) return 'searching';
  if (view.running) return idle ? 'halted' : 'running';
  return isFinal(view) ? 'stopped' : 'paused';
}

const icons: Readonly<Record<State, ReactNode>> = {
  none: <Circle size={15} />,
  starting: <Circle size={15} />,
  searching: <History size={15} />,
  running: <CirclePlay size={15} />,
  halted: <Moon size={15} />,
  paused: <CirclePause size={15} />,
  stopped: <CircleStop size={15} />,
};

/** Whether the machine runs, how far it has come, and how fast it goes. */
export function Status() {
  const state = useStore(machine, stateOf);
  const instructions = useStore(machine, s => count(s.view?.instructions ?? 0));
  const speed = useStore(machine, s =>
    s.view?.running && !s.idle && s.view.past?.isSearching !== true ? rate(s.view.rate) : '',
  );
  return (
    <div className={styles.status} data-testid="status">
      <span className={styles.state} data-state={state}>
        {icons[state]}
        <span>{state === 'searching' ? text.stops.searching : text.status[state]}</span>
      </span>
      {state !== 'none' && <span className={styles.count}>{text.status.instructions(instructions)}</span>}
      {speed !== '' && <span className={styles.rate}>{speed}</span>}
    </div>
  );
}
