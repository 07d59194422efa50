import { useStore } from 'zustand';
import { looks } from '../../stores/looks.ts';
import { machine, symbolsOf } from '../../stores/machine.ts';
import { goToCode, home, isFollowing, windows } from '../../stores/windows.ts';
import { text } from '../../text.ts';
import { AddressBox } from '../../widgets/AddressBox.tsx';
import styles from './CodeBar.module.css';

/** The tools of the code panel, and where the next instruction is. */
export function CodeBar() {
  const follow = useStore(windows, isFollowing);
  const place = useStore(machine, state => {
    const eip = state.codeEip;
    if (eip === null) return '';
    const symbols = symbolsOf(state);
    const line = symbols.lineAt(eip);
    const name = symbols.nameAt(eip);
    return [line === null ? null : `${line.file}:${line.line}`, name].filter(Boolean).join(' · ');
  });

  const hasTranslation = useStore(machine, state => state.view?.monitor.setting.mode === 'translate');
  const isWasm = useStore(windows, state => state.wasm);
  const isTranslated = useStore(looks, state => state.translation);

  const toggle = (): void => {
    const eip = machine.getState().codeEip ?? 0;
    windows.setState(follow ? { follow: false, codeAddress: eip } : home);
  };

  return (
    <>
      <AddressBox label={text.code.goTo} onGo={goToCode} />
      <button
        type="button"
        className={styles.toggle}
        aria-pressed={follow}
        title={text.code.followHint}
        onClick={toggle}
      >
        {text.code.follow}
      </button>
      {hasTranslation && (
        <button
          type="button"
          className={styles.toggle}
          aria-pressed={isTranslated && !isWasm}
          title={text.translated.hint}
          onClick={() => {
            looks.setState({ translation: !isTranslated || isWasm });
            windows.setState({ wasm: false });
          }}
        >
          {text.translated.label}
        </button>
      )}
      <button
        type="button"
        className={styles.toggle}
        aria-pressed={isWasm}
        title={text.translated.wasmHint}
        onClick={() => windows.setState({ wasm: !isWasm })}
      >
        {text.translated.wasm}
      </button>
      <span className={styles.place} title={place}>
        {place}
      </span>
    </>
  );
}
