import { ChevronDown, ChevronLeft, ChevronRight } from 'lucide-react';
import { useStore } from 'zustand';
import { hex } from '../../format.ts';
import { machine } from '../../stores/machine.ts';
import { goToMemory, PAGE_BYTES, windows } from '../../stores/windows.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { AddressBox } from '../../widgets/AddressBox.tsx';
import { AddressMenu } from '../changes/AddressMenu.tsx';
import styles from './Memory.module.css';

/** Which memory is shown: the space, the address, and the pages before and after. */
export function MemoryBar() {
  const space = useStore(windows, state => state.space);
  const address = useStore(windows, state => state.memoryAddress);
  const cursor = useStore(windows, state => state.memoryCursor);
  const mode = useStore(machine, state => state.view?.monitor.setting.mode ?? 'bare');
  const spaces = ['linear', 'physical'] as const;
  const kind = mode === 'bare' || mode === 'para' ? mode : 'guest';
  return (
    <>
      <AddressBox label={text.code.goTo} onGo={goToMemory} />
      <fieldset className={styles.spaces} aria-label={text.memory.space}>
        {spaces.map(name => (
          <button
            key={name}
            type="button"
            aria-pressed={space === name}
            title={name === 'physical' ? laterText.walk.physicalKinds[kind] : undefined}
            onClick={() => windows.setState({ space: name })}
          >
            {text.memory[name]}
          </button>
        ))}
      </fieldset>
      <span className={styles.pages}>
        <button
          type="button"
          aria-label={text.memory.previous}
          title={text.memory.previous}
          onClick={() => goToMemory(address - PAGE_BYTES)}
        >
          <ChevronLeft size={15} />
        </button>
        <button
          type="button"
          aria-label={text.memory.next}
          title={text.memory.next}
          onClick={() => goToMemory(address + PAGE_BYTES)}
        >
          <ChevronRight size={15} />
        </button>
      </span>
      <AddressMenu
        space={space}
        address={cursor}
        without="memory"
        align="end"
        className={styles.at}
        button={
          <>
            <span className={styles.atName}>{laterText.breaks.address.at(hex(cursor))}</span>
            <ChevronDown size={13} />
          </>
        }
      />
      <span className={styles.hint}>{text.memory.hint}</span>
    </>
  );
}
