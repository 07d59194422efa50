import { ChevronDown, Cpu, FolderOpen, HardDrive } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import { size } from '../format.ts';
import { type PageGuest, primer, vmxtest } from '../guests.ts';
import { openBooted, openGuest } from '../opening.ts';
import { machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import { Menu, type MenuItem } from '../widgets/Menu.tsx';
import { Prose } from '../widgets/Prose.tsx';
import styles from './Header.module.css';

/** The guests that can be opened without asking for a file, and the way to those that need one. */
export function GuestPicker({ onOpenDialog }: { readonly onOpenDialog: () => void }) {
  const [images, setImages] = useState<readonly PageGuest[] | null>(null);
  const name = useStore(machine, state => state.guest?.name ?? null);
  const memory = useStore(machine, state => state.guest?.memoryMib ?? null);

  useEffect(() => {
    import('../images.ts').then(
      part => part.fetchImages().then(setImages),
      () => undefined,
    );
  }, []);

  const item = (guest: PageGuest, icon: MenuItem['icon']): MenuItem => ({
    label: guest.name,
    hint: guest.description,
    icon,
    checked: guest.name === name,
    choose: () => void openGuest(guest),
  });
  /** Before a guest that takes long to start comes what has started. */
  const ofImage = (guest: PageGuest): readonly MenuItem[] => {
    const icon = <HardDrive size={15} />;
    const { name: label, booted } = guest;
    if (booted === null) return [item(guest, icon)];
    const choose = () => void openBooted(label, booted);
    return [{ label: text.picker.booted(label), hint: text.picker.bootedHint, icon, choose }, item(guest, icon)];
  };
  const listed: readonly MenuItem[] =
    images === null || images.length === 0
      ? [{ label: <Prose>{text.picker.noImages}</Prose>, icon: <HardDrive size={15} />, disabled: true }]
      : images.flatMap(ofImage);

  return (
    <Menu
      label={text.picker.label}
      className={styles.picker}
      stretch
      button={
        <>
          <span>
            <b>{name ?? text.picker.none}</b>
            {memory !== null && <small>· {size(memory * 1024 * 1024)}</small>}
          </span>
          <ChevronDown size={14} />
        </>
      }
      groups={[
        { title: text.picker.builtIn, items: [primer, vmxtest].map(guest => item(guest, <Cpu size={15} />)) },
        { title: text.picker.images, items: listed },
        {
          items: [
            {
              label: text.picker.open,
              hint: text.picker.openHint,
              icon: <FolderOpen size={15} />,
              choose: onOpenDialog,
            },
          ],
        },
      ]}
    />
  );
}
