import type { Happening } from '../../core/protocol/monitor.ts';

/** CLI under trap and emulate, as the worker tells it. */
export function happeningOf(more: Partial<Happening> = {}): Happening {
  return {
    serial: 1,
    time: 0,
    step: 10,
    setting: { mode: 'trap', paging: 'nested' },
    kind: 'protection',
    reason: 'cli',
    address: 0xc0101000,
    instruction: { address: 0xc0101000, bytes: Uint8Array.of(0xfa), text: 'cli', symbol: null, class: 'io' },
    user: false,
    vector: 13,
    errorCode: 0,
    faultAddress: null,
    exitReason: null,
    qualification: null,
    saved: [
      { name: 'CS', value: 9 },
      { name: 'EIP', value: 0xc0101000 },
      { name: 'vector', value: 13 },
    ],
    deeds: [{ kind: 'emulated' }],
    changed: [{ name: 'EIP', before: 0xc0101000, after: 0xc0101001 }],
    cost: 60,
    ...more,
  };
}
