/** Condition code bits of the x87 status word (SDM volume 1, 8.1.3.2). */
export const CONDITION = { C0: 0x100, C1: 0x200, C2: 0x400, C3: 0x4000 } as const;

/** The outcome of a comparison as the bits that FCOM puts into C3, C2 and C0, and FCOMI into ZF, PF and CF. */
export const RELATION = {
  greater: 0,
  less: CONDITION.C0,
  equal: CONDITION.C3,
  unordered: CONDITION.C3 | CONDITION.C2 | CONDITION.C0,
} as const;
export type Relation = (typeof RELATION)[keyof typeof RELATION];
