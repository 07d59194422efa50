import { createStore } from 'zustand/vanilla';
import type { View } from '../../core/protocol/messages.ts';
import type { Account } from '../../core/protocol/monitor.ts';

/** The last account of exits that came: views bring it some times a second. Null bare, or before the first one. */
export const account = createStore<{ readonly now: Account | null }>(() => ({ now: null }));

export function takeAccount({ monitor }: View): void {
  if (monitor.setting.mode === 'bare') {
    if (account.getState().now !== null) account.setState({ now: null });
  } else if (monitor.account !== null) {
    account.setState({ now: monitor.account });
  }
}
