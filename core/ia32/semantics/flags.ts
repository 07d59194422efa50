import { FLAG, STATUS_FLAGS } from '../flags.ts';
import type { Semantics } from '../ops.ts';
import { EAX } from '../registers.ts';

/** Flag control (SDM volume 1, 7.3.13.1 and 7.3.13.2), but for what is looked at behind it. */

/** AH number among the byte registers. */
const AH = 4;

export const clc: Semantics = o => o.setCarry(o.constant(0));
export const stc: Semantics = o => o.setCarry(o.constant(1));
export const cmc: Semantics = o => o.setCarry(o.xor(o.carry(), o.constant(1)));
export const cld: Semantics = o => o.setDirection(false);
export const std: Semantics = o => o.setDirection(true);
export const cli: Semantics = o => o.clearInterrupts();

export const lahf: Semantics = o =>
  o.setRegisterPart(AH, 1, o.or(o.and(o.statusFlags(), o.constant(0xff)), o.constant(FLAG.ONE)));

export const sahf: Semantics = o => {
  const kept = o.and(o.statusFlags(), o.constant(FLAG.OF));
  o.setStatusFlags(o.or(o.and(o.registerPart(AH, 1), o.constant(STATUS_FLAGS & 0xff)), kept));
};

/** AL := CF ? FF : 0. Not in the manual's older editions; every processor has it. */
export const salc: Semantics = o => o.setRegisterPart(EAX, 1, o.sub(o.constant(0), o.carry()));
