import { CS } from '../../ia32/registers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import type { CodeRow } from '../../protocol/messages.ts';
import type { TranslationView } from '../../protocol/monitor.ts';
import { BinaryTranslation, type UnitView } from '../../vmm/full/translate/technique.ts';
import { CACHE, CACHE_SIZE, SELECTOR } from '../../vmm/host/layout.ts';
import type { Monitor } from '../../vmm/monitor.ts';
import type { SymbolTable } from '../symbols.ts';
import { codeRow, decodeAt, type Names } from './code-view.ts';

/** The unit that the machine stands in, or else one that has the guest's next instruction in it. */
function presentUnit(technique: BinaryTranslation, machine: Processor, guest: Processor): UnitView | null {
  const inCache = machine.selector(CS) === SELECTOR.cacheCode;
  const unit = inCache ? technique.unitAt(machine.linearEip >>> 0) : null;
  if (unit !== null) return unit;
  const places = technique.placesOf(guest.linearEip >>> 0);
  return places.length === 0 ? null : technique.unitAt(places[0]);
}

/** Addresses in the cache by the guest code that they stand for. */
export function cacheNames(technique: BinaryTranslation, names: Names): Names {
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

/** Instructions of a function that are looked at, and how far before and behind the present one, in bytes. */
const MOST = 96;
const REACH = 512;

/** The units of the present function, where they are near the present one. */
function unitsNear(
  technique: BinaryTranslation,
  present: UnitView | null,
  guest: Processor,
  symbols: SymbolTable,
): UnitView[] {
  const here = present?.guest.start ?? guest.linearEip >>> 0;
  const start = symbols.find(here)?.address ?? here;
  const units = new Map<number, UnitView>(present === null ? [] : [[here, present]]);
  let at = here - start > REACH ? here : start;
  for (let n = 0; n < MOST && at < here + REACH && symbols.find(at)?.address === symbols.find(here)?.address; n++) {
    const unit = technique
      .placesOf(at)
      .map(place => technique.unitAt(place))
      .find(found => found?.guest.start === at);
    if (unit !== undefined && unit !== null) units.set(at, unit);
    const length = unit ? unit.guest.end - unit.guest.start : (decodeAt(guest, at | 0)?.length ?? REACH);
    at += length;
  }
  return [...units.values()].sort((a, b) => a.guest.start - b.guest.start);
}

/** The translations around the present instruction, guest and machine side by side; null where there is none, and in other modes. */
export function translationView(
  { technique }: Monitor,
  machine: Processor,
  guest: Processor,
  symbols: SymbolTable,
): TranslationView | null {
  if (!(technique instanceof BinaryTranslation)) return null;
  const present = presentUnit(technique, machine, guest);
  const inCache = cacheNames(technique, symbols);
  const units = unitsNear(technique, present, guest, symbols).map(unit => ({
    guest: unit.guest,
    cache: unit.cache,
    pairs: unit.pairs.map((pair, n) => ({
      guest: codeRow(guest, symbols, pair.guest | 0),
      kind: pair.kind,
      cache: rows(machine, inCache, pair.cache, Math.min(unit.pairs[n + 1]?.cache ?? unit.cache.end, unit.cache.end)),
    })),
  }));
  if (units.length === 0) return null;
  return { units, machineNext: machine.linearEip >>> 0, guestNext: guest.linearEip >>> 0 };
}
