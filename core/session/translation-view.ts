import { CS } from '../ia32/registers.ts';
import type { Processor } from '../machine/cpu/processor.ts';
import type { CodeRow } from '../protocol/messages.ts';
import type { TranslationView } from '../protocol/monitor.ts';
import { BinaryTranslation, type UnitView } from '../vmm/full/translate/technique.ts';
import { CACHE, CACHE_SIZE, SELECTOR } from '../vmm/host/layout.ts';
import type { Monitor } from '../vmm/monitor.ts';
import { codeRow, type Names } from './code-view.ts';

/** The unit that the machine stands in, or else one that has the guest's next instruction in it. */
function presentUnit(technique: BinaryTranslation, machine: Processor, guest: Processor): UnitView | null {
  const inCache = machine.selector(CS) === SELECTOR.cacheCode;
  const unit = inCache ? technique.unitAt(machine.linearEip >>> 0) : null;
  if (unit !== null) return unit;
  const places = technique.placesOf(guest.linearEip >>> 0);
  return places.length === 0 ? null : technique.unitAt(places[0]);
}

/** Addresses in the cache by the guest code that they stand for. */
function cacheNames(technique: BinaryTranslation, names: Names): Names {
  return {
    name: address => {
      const at = address >>> 0;
      if (at < CACHE || at >= CACHE + CACHE_SIZE) return names.name(at);
      const target = technique.unitAt(at);
      if (target === null) return 'call the monitor';
      const start = target.guest.start;
      return `translation of ${names.name(start) ?? start.toString(16).padStart(8, '0')}`;
    },
  };
}

/** The instructions from one address to another. */
function rows(cpu: Processor, names: Names, start: number, end: number): CodeRow[] {
  const list: CodeRow[] = [];
  for (let at = start; at < end; ) {
    const row = codeRow(cpu, names, at | 0);
    if (row.bytes.length === 0) break;
    list.push(row);
    at += row.bytes.length;
  }
  return list;
}

/** The translation at the present instruction, guest and machine side by side; null where there is none, and in other modes. */
export function translationView(
  { technique }: Monitor,
  machine: Processor,
  guest: Processor,
  names: Names,
): TranslationView | null {
  if (!(technique instanceof BinaryTranslation)) return null;
  const unit = presentUnit(technique, machine, guest);
  if (unit === null) return null;
  const inCache = cacheNames(technique, names);
  const pairs = unit.pairs.map((pair, n) => {
    const end = unit.pairs[n + 1]?.cache ?? unit.cache.end;
    return {
      guest: codeRow(guest, names, pair.guest | 0),
      kind: pair.kind,
      cache: rows(machine, inCache, pair.cache, Math.min(end, unit.cache.end)),
    };
  });
  const { guest: range, cache } = unit;
  return {
    guest: range,
    cache,
    pairs,
    machineNext: machine.linearEip >>> 0,
    guestNext: guest.linearEip >>> 0,
  };
}
