import type { X87Operation } from '../../../ia32/x87/operations.ts';
import { MachineStop } from '../fault.ts';
import type { SystemFunction } from '../system.ts';

export const X87 = new Proxy({} as Record<X87Operation, SystemFunction>, {
  get: (_t, name) => () => {
    throw new MachineStop('unimplemented', `x87 ${String(name)}`);
  },
});
