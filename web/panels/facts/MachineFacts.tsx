import { useStore } from 'zustand';
import { count, seconds, size } from '../../format.ts';
import { machine, presentMode } from '../../stores/machine.ts';
import { text } from '../../text.ts';
import { Facts, Section } from '../../widgets/Section.tsx';

/** The machine in numbers. */
export function MachineFacts() {
  const memory = useStore(machine, state => state.guest?.memoryMib ?? null);
  const instructions = useStore(machine, state => count(state.view?.instructions ?? 0));
  const time = useStore(machine, state => seconds(state.view?.seconds ?? 0));
  const mode = useStore(machine, presentMode);
  if (memory === null) return null;
  const words = text.machine;
  return (
    <Section title={words.label}>
      <Facts
        rows={[
          [words.memory, size(memory * 1024 * 1024)],
          [words.instructions, instructions],
          [words.time, time],
          [words.monitor, mode === null || mode === 'bare' ? words.noMonitor : text.modes.name[mode]],
        ]}
      />
    </Section>
  );
}
