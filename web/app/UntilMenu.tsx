import { ChevronDown } from 'lucide-react';
import { useStore } from 'zustand';
import { account } from '../stores/account.ts';
import { machine, presentMode } from '../stores/machine.ts';
import { settings } from '../stores/settings.ts';
import { laterText } from '../text/later.ts';
import { choiceOf, runUntilNext, UNTIL_KINDS } from '../until.ts';
import { Menu } from '../widgets/Menu.tsx';
import styles from './Header.module.css';

/** So many reasons of exits are offered: the most frequent. */
const REASONS = 8;

/** Runs until the next event of a kind. */
export function UntilMenu({ enabled }: { readonly enabled: boolean }) {
  const mode = useStore(machine, presentMode);
  const exits = useStore(account, state => state.now?.exits ?? null);
  const last = useStore(settings, state => state.until);
  const words = laterText.breaks.until;
  const isPara = mode === 'para';
  const hasMonitor = mode !== null && mode !== 'bare';

  const obstacle = (kind: (typeof UNTIL_KINDS)[number]): string | null => {
    if (kind === 'exit' && !hasMonitor) return words.noMonitor;
    return kind === 'hypercall' && !isPara ? words.noHypercalls : null;
  };
  const kinds = UNTIL_KINDS.map(kind => {
    const why = obstacle(kind);
    const choice = choiceOf(kind);
    return {
      label: words[kind],
      ...(why === null ? {} : { hint: why }),
      checked: choice === last,
      disabled: !enabled || why !== null,
      choose: () => runUntilNext(choice),
    };
  });
  const reasons = hasMonitor
    ? (exits ?? []).slice(0, REASONS).map(({ reason }) => ({
        label: <code>{reason}</code>,
        checked: choiceOf('exit', reason) === last,
        disabled: !enabled,
        choose: () => runUntilNext(choiceOf('exit', reason)),
      }))
    : [];
  return (
    <Menu
      label={words.hint}
      className={styles.chevron}
      button={<ChevronDown size={13} />}
      align="end"
      groups={[
        { title: words.title, items: kinds },
        ...(reasons.length === 0 ? [] : [{ title: words.reasons, items: reasons }]),
      ]}
    />
  );
}
