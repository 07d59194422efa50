import { describe, expect, it } from 'vitest';
import { PAGE } from '../../machine/mmu/walk.ts';
import { Random } from '../../machine/testing/random.ts';
import { findWrong, type Held } from '../testing/para/invariants.ts';
import { Refused } from './abi.ts';
import { ParaCounts } from './counts.ts';
import { checkDescriptor } from './descriptors.ts';
import { FIRST_HOLE_ENTRY, PageTables, type Words } from './page-tables.ts';

/** A failing sequence is run again by its seed: FRAMES_SEED=n SEQUENCES=1. */
const SEED = Number(process.env['FRAMES_SEED'] ?? 1);
const SEQUENCES = Number(process.env['SEQUENCES'] ?? 4);
const STEPS = 500;
/** Frames of the small machine; some of them are not the guest's. */
const FRAMES = 40;
const OWNED = 30;
const MONITOR = 37;
const MONITOR_ENTRY = (MONITOR * 4096) | PAGE.present;

class Memory implements Words {
  readonly words = new Int32Array(FRAMES * 1024);

  read(address: number): number {
    return this.words[address >>> 2];
  }

  write(address: number, _size: number, value: number): void {
    this.words[address >>> 2] = value;
  }
}

/** A guest that tries everything: right and wrong requests in any order, and stores wherever it may write. */
class Guest {
  readonly memory = new Memory();
  readonly freed: number[] = [];
  readonly tables: PageTables;
  readonly held: { frame: number; type: 'descriptors' }[] = [];
  /** What the machine's TLB may hold: frame and whether it may be written. */
  readonly #tlb = new Map<string, { frame: number; writable: boolean }>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    this.tables = new PageTables(
      this.memory,
      FRAMES,
      {
        addMonitor: directory => {
          for (let n = FIRST_HOLE_ENTRY; n < 512; n++) this.memory.write(directory * 4096 + n * 8, 4, MONITOR_ENTRY);
        },
        checkDescriptors: frame => {
          for (let at = frame * 4096; at < (frame + 1) * 4096; at += 8) {
            checkDescriptor(this.memory.read(at), this.memory.read(at + 4));
          }
        },
        onFree: frame => this.freed.push(frame),
      },
      new ParaCounts(),
    );
    for (let frame = 0; frame < OWNED; frame++) this.tables.frames.own(frame);
    this.#build();
  }

  /** A root with a directory in the fourth slot, so that not everything is refused; and drafts of more. */
  #build(): void {
    for (const root of [0, 1]) {
      this.memory.write(root * 4096 + 24, 4, ((2 + root) * 4096) | PAGE.present);
      this.memory.write((2 + root) * 4096, 4, ((4 + root) * 4096) | PAGE.present | PAGE.writable);
      for (let n = 0; n < 8; n++) this.memory.write((4 + root) * 4096 + n * 8, 4, this.#leaf());
    }
    this.tables.setRoot(0);
  }

  /** Frames a guest would use, and some that it has not. */
  #frame(): number {
    return this.#random.once(12) ? this.#random.below(FRAMES + 4) : this.#random.below(OWNED);
  }

  #leaf(): number {
    // Frames from 16 on are ordinary memory at first.
    const frame = 16 + this.#random.below(OWNED - 16);
    return (frame * 4096) | PAGE.present | (this.#random.once(2) ? PAGE.writable : 0) | PAGE.user;
  }

  #entry(): readonly [number, number] {
    const random = this.#random;
    if (random.once(5)) return [0, 0];
    let low = (this.#frame() * 4096) | PAGE.present;
    if (random.once(2)) low |= PAGE.writable;
    if (random.once(3)) low |= PAGE.user;
    if (random.once(8)) low |= PAGE.accessed | PAGE.dirty;
    if (random.once(20)) low |= PAGE.large;
    if (random.once(20)) low |= PAGE.global;
    if (random.once(20)) low = random.word();
    return [low, random.once(20) ? random.word() : random.once(8) ? 0x80000000 | 0 : 0];
  }

  #offset(): number {
    const random = this.#random;
    const index = random.pick([0, 1, 2, 3, 4, 5, FIRST_HOLE_ENTRY - 1, FIRST_HOLE_ENTRY, 511, random.below(512)]);
    return index * 8;
  }

  /** One request; what it was, for the message of a failure. */
  step(): string {
    const { tables } = this;
    const random = this.#random;
    const frame = this.#frame();
    switch (random.below(11)) {
      case 0:
      case 1:
      case 2: {
        const [low, high] = this.#entry();
        const offset = this.#offset();
        const preserve = random.once(3);
        return this.#try(`update ${frame} at ${offset} to ${low} ${high}`, () =>
          tables.update(frame, offset, low, high, preserve),
        );
      }
      case 3: {
        const type = random.pick(['l1', 'l2', 'l3'] as const);
        return this.#try(`pin ${frame} as ${type}`, () => tables.pin(frame, type));
      }
      case 4:
        return this.#try(`unpin ${frame}`, () => tables.unpin(frame));
      case 5:
        return this.#try(`root ${frame}`, () => tables.setRoot(frame));
      case 6:
        if (this.held.length > 1) {
          const [first] = this.held.splice(0, 1);
          return this.#try(`put descriptors ${first.frame}`, () => tables.frames.put(first.frame));
        }
        return this.#try(`descriptors ${frame}`, () => {
          tables.frames.take(frame, 'descriptors');
          this.held.push({ frame, type: 'descriptors' });
        });
      case 7:
        if (!random.once(10)) return this.#store();
        return this.#try(`give back ${frame}`, () => tables.frames.disown(frame));
      case 8:
        return this.#store();
      default:
        return this.#touch();
    }
  }

  /** What the machine would let the guest do: write to a frame that is no table. */
  #store(): string {
    const { frames } = this.tables;
    const frame = this.#random.below(OWNED);
    if (!frames.isOwned(frame) || (frames.type(frame) !== 'none' && frames.type(frame) !== 'writable'))
      return 'nothing';
    const [low, high] = this.#entry();
    const offset = this.#offset();
    this.memory.write(frame * 4096 + offset, 4, low);
    this.memory.write(frame * 4096 + offset + 4, 4, high);
    return `store into ${frame} at ${offset}: ${low} ${high}`;
  }

  /** The machine walks the tables for an address, and keeps what it found. */
  #touch(): string {
    const pick = (table: number, count: number) => {
      const present = Array.from({ length: count }, (_, n) => this.memory.read(table * 4096 + n * 8)).filter(
        entry => (entry & PAGE.present) !== 0,
      );
      return present.length === 0 ? 0 : this.#random.pick(present);
    };
    const directory = pick(this.tables.root, 4) >>> 12;
    const table = directory === 0 ? 0 : pick(directory, FIRST_HOLE_ENTRY) >>> 12;
    const leaf = table === 0 ? 0 : pick(table, 512);
    if (leaf === 0) return 'nothing';
    const writable = (leaf & PAGE.writable) !== 0;
    this.#tlb.set(`${leaf >>> 12} ${writable}`, { frame: leaf >>> 12, writable });
    return `touch ${leaf >>> 12} ${writable ? 'writable' : 'read-only'}`;
  }

  /** What the guest could still do by way of the TLB once it runs again, and must not. */
  staleTranslations(): string[] {
    const { frames } = this.tables;
    if (frames.flushNeeded || this.tables.rootChanged) {
      this.#tlb.clear();
      frames.flushed();
      this.tables.rootChanged = false;
    }
    return [...this.#tlb.values()]
      .filter(({ frame, writable }) => {
        const isData = frames.type(frame) === 'none' || frames.type(frame) === 'writable';
        return !frames.isVisible(frame) || (writable && !isData);
      })
      .map(({ frame }) => `the TLB still reaches frame ${frame}`);
  }

  /** A request that is refused must leave memory as it was. */
  #try(what: string, act: () => void): string {
    const before = this.memory.words.slice();
    try {
      act();
      return what;
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown;
      const changed = this.memory.words.findIndex((word, n) => word !== before[n]);
      if (changed >= 0) throw new Error(`${what} was refused and changed word ${changed}`);
      return `${what}: ${thrown.message}`;
    }
  }
}

describe('types and counts of frames', () => {
  it(`hold whatever a guest asks for (seed ${SEED})`, () => {
    const done = new Map<string, number>();
    for (let seed = SEED; seed < SEED + SEQUENCES; seed++) {
      const guest = new Guest(new Random(seed));
      const log: string[] = [];
      for (let n = 0; n < STEPS; n++) {
        const what = guest.step();
        log.push(what);
        if (/^(update|pin|unpin|root|descriptors|give)[^:]*$/.test(what)) {
          const kind = what.split(' ')[0];
          done.set(kind, (done.get(kind) ?? 0) + 1);
        }
        const held: Held = guest.held;
        const wrong = [...findWrong(guest.memory, guest.tables, held), ...guest.staleTranslations()];
        if (wrong.length > 0) throw new Error(`seed ${seed}: ${wrong.join('; ')}\nafter\n${log.slice(-10).join('\n')}`);
        for (let entry = FIRST_HOLE_ENTRY; entry < 512; entry++) {
          const top = guest.memory.read(guest.tables.root * 4096 + 24) >>> 12;
          expect(guest.memory.read(top * 4096 + entry * 8)).toBe(MONITOR_ENTRY);
        }
      }
      expect(new Set(guest.freed).size).toBe(guest.freed.length);
    }
    // Enough must succeed for the sequence to mean anything.
    for (const kind of ['update', 'pin', 'unpin', 'root', 'descriptors', 'give']) {
      expect(done.get(kind) ?? 0, `${kind} succeeded`).toBeGreaterThan(SEQUENCES);
    }
  });
});
