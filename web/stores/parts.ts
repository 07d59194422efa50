import { CLOSABLE, type Closable, settings } from './settings.ts';

/** The parts of a wide page that can be closed. What is closed is remembered. */

export function isClosable(name: string): name is Closable {
  return CLOSABLE.some(known => known === name);
}

export function setOpen(part: Closable, isOpen: boolean): void {
  settings.setState(({ closed }) => {
    const others = closed.filter(name => name !== part);
    return { closed: isOpen ? others : [...others, part] };
  });
}

export function toggleOpen(part: Closable): void {
  setOpen(part, settings.getState().closed.includes(part));
}
