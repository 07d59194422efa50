import type { ReactNode } from 'react';
import { laterText } from '../../text/later.ts';
import { Section } from '../../widgets/Section.tsx';
import panel from '../Panel.module.css';

/** A section whose content is asked of the worker: only when the reader wants to see it. */
export function OnRequest({
  title,
  shown,
  show,
  children,
}: {
  readonly title: string;
  readonly shown: boolean;
  readonly show: (shown: boolean) => void;
  readonly children: ReactNode;
}) {
  const words = laterText.descriptors;
  return (
    <Section
      title={title}
      aside={
        <button type="button" className={panel.show} aria-expanded={shown} onClick={() => show(!shown)}>
          {shown ? words.hide : words.show}
        </button>
      }
    >
      {shown && children}
    </Section>
  );
}
