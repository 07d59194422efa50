/** What the list of the VMCS says. */
import type { VmcsArea, VmcsField } from '../../../core/protocol/questions.ts';
import { AREAS, matches } from '../../verbs/answers.ts';

/** Encodings of the fields that were others at the stop before. */
export function changedFields(now: readonly VmcsField[], before: readonly VmcsField[] | null): ReadonlySet<number> {
  if (before === null) return new Set();
  const old = new Map(before.map(field => [field.encoding, field]));
  return new Set(
    now
      .filter(({ encoding, low, high }) => {
        const was = old.get(encoding);
        return was !== undefined && (was.low !== low || was.high !== high);
      })
      .map(({ encoding }) => encoding),
  );
}

/** Fields by area, without empty ones. `only`: encodings to be shown, null for all. */
export function areasOf(
  fields: readonly VmcsField[],
  filter: string,
  only: ReadonlySet<number> | null,
): readonly { readonly area: VmcsArea; readonly fields: readonly VmcsField[] }[] {
  return AREAS.map(area => ({
    area,
    fields: fields.filter(
      field => field.area === area && matches(field, filter) && (only === null || only.has(field.encoding)),
    ),
  })).filter(({ fields: { length } }) => length > 0);
}
