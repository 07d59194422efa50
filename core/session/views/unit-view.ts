import * as L from '../../machine/cpu/layout.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { W_CONTROL, W_EMPTY, W_STATUS } from '../../machine/cpu/x87/state.ts';
import type { Units } from '../../protocol/questions.ts';

const DEBUG = [0, 1, 2, 3, 6, 7];
/** Words of an x87 register in the machine's memory. */
const CELL = 4;

function debugOf({ i32 }: Processor): readonly number[] {
  return DEBUG.map(n => i32[L.W_DR + n] >>> 0);
}

/** x87, SSE and debug registers, unsigned. `guest`: the processor as the guest believes to have it. */
export function unitsOf(guest: Processor, machine: Processor): Units {
  const { i32 } = guest;
  return {
    x87: {
      control: i32[W_CONTROL] & 0xffff,
      status: i32[W_STATUS] & 0xffff,
      empty: i32[W_EMPTY] & 0xff,
      registers: Array.from({ length: 8 }, (_, n) => {
        const at = L.W_X87_REGISTERS + n * CELL;
        return { low: i32[at] >>> 0, high: i32[at + 1] >>> 0, exponent: i32[at + 2] & 0xffff };
      }),
    },
    mxcsr: i32[L.W_MXCSR] >>> 0,
    xmm: Uint32Array.from({ length: 32 }, (_, n) => i32[L.W_XMM + n]),
    debug: debugOf(guest),
    machineDebug: guest === machine ? null : debugOf(machine),
  };
}
