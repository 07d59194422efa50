import { BookOpen, CircleDot, Eye, History, MemoryStick, Undo2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { useStore } from 'zustand';
import type { TableLevel } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { change, goBack, whyNotBack } from '../../machine.ts';
import { breakpoints, isSameEvent, toggled } from '../../stores/breakpoints.ts';
import { askLastChange } from '../../stores/changes.ts';
import { machine } from '../../stores/machine.ts';
import { notify } from '../../stores/notices.ts';
import { walkTo } from '../../stores/walk.ts';
import { goToMemory, windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { Menu, type MenuItem } from '../../widgets/Menu.tsx';
import { linearOf } from './linear.ts';

interface Properties {
  readonly space: 'linear' | 'physical';
  readonly address: number;
  /** The table that it is an entry of, or null. */
  readonly level?: TableLevel | null;
  readonly button: ReactNode;
  readonly className?: string;
  readonly align?: 'start' | 'end';
  /** The place is one that is shown already. */
  readonly without?: 'memory' | 'walk';
}

/** As many bytes as lie there on their own boundary. */
function lengthAt(address: number): 1 | 2 | 4 {
  return address % 4 === 0 ? 4 : address % 2 === 0 ? 2 : 1;
}

function watch(kind: 'write' | 'access', linear: number): void {
  change(toggled(breakpoints.getState().list, { kind, address: linear, length: lengthAt(linear) }));
}

/** Watches an address, whichever the guest's linear one is. */
async function watchAt(kind: 'write' | 'access', { space, address }: Properties): Promise<void> {
  const linear = space === 'linear' ? address : await linearOf(address);
  if (linear === null) notify(laterText.breaks.address.noLinear(hex(address)));
  else watch(kind, linear);
}

/** What can be done with an address: watch it, ask who changed it, go back to that. */
export function AddressMenu(properties: Properties) {
  const { space, address, level = null, button, className, align = 'start', without } = properties;
  const list = useStore(breakpoints, state => state.list);
  const noBack = useStore(machine, state => whyNotBack(state.view));
  const words = laterText.breaks.address;
  const isLinear = space === 'linear';
  const isWatched = (kind: 'write' | 'access'): boolean =>
    isLinear && list.some(({ on }) => isSameEvent(on, { kind, address, length: lengthAt(address) }));
  const past = noBack === null ? {} : { hint: text.back[noBack], disabled: true };
  const stop = (kind: 'write' | 'access', icon: ReactNode): MenuItem => ({
    label: isWatched(kind) ? words.noLonger[kind] : words[kind],
    icon,
    choose: () => void watchAt(kind, properties),
  });
  const items: readonly MenuItem[] = [
    stop('write', <CircleDot size={14} />),
    ...(level === null ? [stop('access', <Eye size={14} />)] : []),
    {
      label: words.lastWrite,
      hint: words.lastWriteHint,
      icon: <History size={14} />,
      ...past,
      choose: () => askLastChange(space, address, level),
    },
    ...(isLinear
      ? [{ label: words.back, icon: <Undo2 size={14} />, ...past, choose: () => goBack('write', address) }]
      : []),
  ];
  const show: readonly MenuItem[] = [
    ...(isLinear && without !== 'walk'
      ? [{ label: words.walk, icon: <BookOpen size={14} />, choose: () => walkTo(address) }]
      : []),
    ...(without === 'memory'
      ? []
      : [
          {
            label: words.memory,
            icon: <MemoryStick size={14} />,
            choose: () => {
              windows.setState({ space });
              goToMemory(address);
            },
          },
        ]),
  ];
  return (
    <Menu
      label={words.label(hex(address))}
      button={button}
      align={align}
      groups={[{ items }, ...(show.length === 0 ? [] : [{ items: show }])]}
      {...(className === undefined ? {} : { className })}
    />
  );
}
