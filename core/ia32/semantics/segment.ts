import type { Semantics } from '../ops.ts';

/** Instructions that read segment registers (SDM volume 2, MOV, PUSH); what loads them needs descriptors. */

export const movFromSegment: Semantics = (o, i) => o.write(i, i.dst, o.segmentSelector(i.src.register));

/** All four bytes are written with a 32-bit operand, which the manual leaves open; silicon does so. */
export const pushSegment: Semantics = (o, i) => o.push(i.operandSize, o.segmentSelector(i.dst.register));
