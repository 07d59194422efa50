import type { Explanation, RegionFacts, TextPart } from '../../machine/translate/explain.ts';
import type { Answer, RegionPart, RegionView, RunBy } from '../../protocol/questions.ts';
import { BinaryTranslation } from '../../vmm/full/translate/technique.ts';
import type { Session } from '../session.ts';
import { machineAddress } from './address-spaces.ts';
import { type Names, rowOf } from './code-view.ts';
import { cacheNames } from './translation-view.ts';

/** What the machine's translator says of itself (machine/translate/explain.ts), in the guest's addresses and names. */

type AnswerOf<K extends Answer['kind']> = Extract<Answer, { readonly kind: K }>;

/** Where code lies: on the machine, linear and physical. */
interface Place {
  readonly linear: number;
  /** -1 where no RAM is. */
  readonly physical: number;
}

/** Where the machine has the guest's code at a linear address: in a translation cache that may be at several places. */
function placesOf({ pc, monitor, processor }: Session, address: number): readonly Place[] {
  const { cpu } = pc;
  const own = (linear: number): Place => ({ linear, physical: cpu.lookUp(linear | 0) });
  if (monitor === null) return [own(address)];
  const places = monitor.technique.placesOf?.(address) ?? [];
  if (places.length > 0) return places.map(own);
  const physical = processor.lookUp(address | 0);
  const machine = physical < 0 ? null : machineAddress(monitor.vm.memory, physical);
  return [{ linear: address, physical: machine ?? -1 }];
}

function namesOf({ monitor, symbols }: Session): Names {
  const technique = monitor?.technique;
  return technique instanceof BinaryTranslation ? cacheNames(technique, symbols) : symbols;
}

/** The guest's address for one of the machine's; null for the monitor's own code. */
function guestOf(monitor: Session['monitor'], address: number, physical: number): number | null {
  if (monitor === null) return address;
  const stands = monitor.technique.guestOf?.(address) ?? address;
  return stands !== address || monitor.vm.memory.pageOfFrame.has(physical >>> 12) ? stands : null;
}

function regionView({ monitor }: Session, names: Names, facts: RegionFacts): RegionView {
  const { entrances, physical, ...figures } = facts;
  const [address] = entrances;
  return {
    ...figures,
    address,
    symbol: names.name(address),
    guest: guestOf(monitor, address, physical),
    entrances: entrances.length,
  };
}

/** The engine, and the regions that were entered most. */
export function engineView(session: Session, count: number): AnswerOf<'engine'> {
  const { translator } = session.pc.cpu;
  if (translator === null) {
    const nothing = { made: 0, modules: 0, alive: 0, instructions: 0, bytes: 0, hottest: [] };
    return { kind: 'engine', engine: 'execute', ...nothing };
  }
  const names = namesOf(session);
  const { hottest, ...sums } = translator.overview(count);
  return {
    kind: 'engine',
    // Who looks is told that nothing is translated.
    engine: translator.engine === 'interpret' ? 'execute' : translator.engine,
    made: translator.translated,
    modules: translator.modules,
    ...sums,
    hottest: hottest.map(facts => regionView(session, names, facts)),
  };
}

/** What runs the guest's code at a linear address: of several places, the one that was entered most. */
export function runBy(session: Session, address: number, withText: boolean): AnswerOf<'region'> {
  const [first, ...others] = placesOf(session, address >>> 0).map(place => ({ place, found: foundAt(session, place) }));
  const { place, found } = others.reduce((a, b) => (enteredIn(b.found) > enteredIn(a.found) ? b : a), first);
  return {
    kind: 'region',
    place: place.linear === address >>> 0 ? null : place.linear,
    run: runOf(session, found, withText),
  };
}

type Found = Explanation | { readonly kind: 'engine' | 'unmapped' };

function foundAt({ pc }: Session, { linear, physical }: Place): Found {
  if (pc.cpu.translator === null) return { kind: 'engine' };
  if (physical < 0 || physical >= pc.physical.size) return { kind: 'unmapped' };
  return pc.cpu.translator.explain(linear, physical);
}

/** -1 where there is no region. */
function enteredIn(found: Found): number {
  return found.kind === 'region' ? found.facts.entered : -1;
}

function runOf(session: Session, found: Found, withText: boolean): RunBy {
  switch (found.kind) {
    case 'region': {
      const names = namesOf(session);
      const parts = withText ? session.pc.cpu.translator?.textOf(found.region) : null;
      return {
        by: 'region',
        region: regionView(session, names, found.facts),
        parts: parts?.map(part => partOf(part, names)) ?? null,
      };
    }
    case 'cold': {
      const { isInterpreted, executed, needed } = found;
      return { by: isInterpreted ? 'interpreter' : 'executor', why: 'cold', executed, needed };
    }
    case 'left':
      return { by: found.isInterpreted ? 'interpreter' : 'executor', why: 'left' };
    default:
      return { by: 'executor', why: found.kind };
  }
}

function partOf({ kind, address, instruction, bytes, text }: TextPart, names: Names): RegionPart {
  return { kind, address, row: instruction === null ? null : rowOf(instruction, bytes, names, address), text };
}
