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
  const { image } = guest;
  const loaded =
    image === null
      ? []
      : ([
          [words.kernel, size(image.kernelBytes)],
          [words.initrd, image.initrdBytes === null ? words.none : size(image.initrdBytes)],
          [words.commandLine, image.commandLine === '' ? words.none : <code key="line">{image.commandLine}</code>],
        ] as const);
  return (
    <Section title={words.label}>
      <Facts
        rows={[
          [words.name, guest.name],
          [words.kind, words.kinds[guest.kind] ?? guest.kind],
          ...loaded,
          [words.symbols, guest.symbolCount === 0 ? words.none : count(guest.symbolCount)],
        ]}
      />
    </Section>
  );
}
