import { CS, DS, ES, FS, GS, LDTR, SS, TR } from '../../../ia32/registers.ts';
import { FIELD, type FieldEncoding } from '../../../ia32/vmx/fields.ts';

/** The guest-state fields of a segment register. */
export interface SegmentFields {
  readonly index: number;
  readonly selector: FieldEncoding;
  readonly base: FieldEncoding;
  readonly limit: FieldEncoding;
  readonly rights: FieldEncoding;
}

function fields(index: number, name: 'Es' | 'Cs' | 'Ss' | 'Ds' | 'Fs' | 'Gs' | 'Ldtr' | 'Tr'): SegmentFields {
  return {
    index,
    selector: FIELD[`guest${name}Selector`],
    base: FIELD[`guest${name}Base`],
    limit: FIELD[`guest${name}Limit`],
    rights: FIELD[`guest${name}AccessRights`],
  };
}

export const GUEST_SEGMENTS: readonly SegmentFields[] = [
  fields(ES, 'Es'),
  fields(CS, 'Cs'),
  fields(SS, 'Ss'),
  fields(DS, 'Ds'),
  fields(FS, 'Fs'),
  fields(GS, 'Gs'),
  fields(LDTR, 'Ldtr'),
  fields(TR, 'Tr'),
];

/**
 * Access rights of the VMCS are the attributes of cpu/state.ts with a bit for segments that are not usable, which here have the attributes 0 (SDM
 * volume 3, table 24-2).
 */
export const UNUSABLE = 1 << 16;
