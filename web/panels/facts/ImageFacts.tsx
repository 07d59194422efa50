import { useStore } from 'zustand';
import { count, size } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { text } from '../../text.ts';
import { Facts, Section } from '../../widgets/Section.tsx';

/** What was loaded. */
export function ImageFacts() {
  const guest = useStore(machine, state => state.guest);
  if (guest === null) return null;
  const words = text.image;
  return (
    <Section title={words.label}>
      <Facts
        rows={[
          [words.name, guest.name],
          [words.kind, words.kinds[guest.kind] ?? guest.kind],
          [words.kernel, size(guest.kernelBytes)],
          [words.initrd, guest.initrdBytes === null ? words.none : size(guest.initrdBytes)],
          [words.commandLine, guest.commandLine === '' ? words.none : <code key="line">{guest.commandLine}</code>],
          [words.symbols, guest.symbolCount === 0 ? words.none : count(guest.symbolCount)],
        ]}
      />
    </Section>
  );
}
