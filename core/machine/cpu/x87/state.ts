import type { Executor } from '../executor.ts';

export function checkPendingException(_cpu: Executor): void {}
export function resetX87(_cpu: Executor): void {}
