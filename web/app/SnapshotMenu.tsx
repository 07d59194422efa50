import { Camera, Download, Upload } from 'lucide-react';
import { useRef } from 'react';
import { useStore } from 'zustand';
import { saveSnapshot } from '../machine.ts';
import { openSnapshot } from '../opening.ts';
import { machine } from '../stores/machine.ts';
import { text } from '../text.ts';
import { Menu } from '../widgets/Menu.tsx';

/** Saves the whole machine to a file and takes it back. */
export function SnapshotMenu() {
  const none = useStore(machine, state => state.guest === null);
  const input = useRef<HTMLInputElement>(null);
  const words = text.snapshot;
  return (
    <>
      <Menu
        label={words.label}
        align="end"
        button={<Camera size={16} />}
        groups={[
          {
            items: [
              {
                label: words.save,
                hint: words.saveHint,
                icon: <Download size={15} />,
                disabled: none,
                choose: saveSnapshot,
              },
              {
                label: words.restore,
                hint: words.restoreHint,
                icon: <Upload size={15} />,
                choose: () => input.current?.click(),
              },
            ],
          },
        ]}
      />
      <input
        ref={input}
        type="file"
        hidden
        aria-label={words.restore}
        onChange={event => {
          const file = event.target.files?.[0];
          // The same file can be chosen again.
          event.target.value = '';
          if (file !== undefined) void openSnapshot(file);
        }}
      />
    </>
  );
}
