import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../../../guests/load.ts';
import type { OperationName } from '../../../ia32/operations.ts';
import { MachineStop } from '../../../machine/cpu/fault.ts';
import { Pc } from '../../../machine/pc.ts';
import * as H from '../../host/layout.ts';
import { MONITOR_MEMORY, Monitor } from '../../monitor.ts';
import type { MonitorMode } from '../../technique.ts';
import { pieceOf } from '../../testing/campaign.ts';
import { BareSubject, difference, MonitorSubject, type Outcome } from '../../testing/subjects.ts';
import type { Piece } from '../../testing/world.ts';
import { type Difference, type Hole, Holes, sentenceOf } from './holes.ts';

const MEMORY = 32 << 20;
const PROMPT = 'primer$ ';
const plan = loadImage(new Uint8Array(readFileSync('public/guests/primer.elf')), {
  memoryBytes: MEMORY,
  commandLine: '',
  initrd: null,
});
const symbols: { symbols: { name: string; address: number; size: number }[] } = JSON.parse(
  readFileSync('public/guests/primer.json', 'utf8'),
);

class Primer {
  text = '';
  readonly monitor: Monitor;

  constructor(mode: MonitorMode, watched: boolean) {
    const onConsole = (byte: number): void => {
      this.text += String.fromCharCode(byte);
    };
    const pc = new Pc({ memoryBytes: MEMORY + MONITOR_MEMORY, startTime: 0, rate: 1e7, onConsole });
    const options = { mode, paging: 'nested', memoryBytes: MEMORY, startTime: 0, onConsole } as const;
    this.monitor = new Monitor(pc, options, plan);
    this.monitor.watchHoles(watched);
    this.#await(1);
  }

  #await(prompts: number): void {
    for (let n = 0; n < 400 && this.text.split(PROMPT).length <= prompts; n++) {
      this.monitor.run(200_000, Number.POSITIVE_INFINITY, false);
    }
  }

  type(command: string): void {
    const prompts = this.text.split(PROMPT).length;
    this.monitor.input(new TextEncoder().encode(`${command}\n`));
    this.#await(prompts);
  }
}

/** Holes in a routine of primer's, by the routine's name. */
function inRoutines(holes: readonly Hole[]): Record<string, Omit<Hole, 'address'>[]> {
  const found: Record<string, Omit<Hole, 'address'>[]> = {};
  for (const { address, ...rest } of [...holes].sort((a, b) => a.address - b.address)) {
    const symbol = symbols.symbols.find(s => address >= s.address && address < s.address + s.size);
    if (symbol?.name.startsWith('sense_')) (found[symbol.name] ??= []).push(rest);
  }
  return found;
}

function shows(name: 'CS' | 'SS' | 'TR' | 'IF' | 'access rights' | 'limit', seen: number, ring0: number): Difference {
  return { kind: 'shows', name, seen, ring0 };
}

function once(mnemonic: string, what: Difference): Omit<Hole, 'address'> {
  return { mnemonic, what, count: 1 };
}

describe('the sensitive instructions of a kernel in ring 1', () => {
  const primer = new Primer('trap', true);
  primer.type('sensitive');
  const { vcpu } = primer.monitor;
  const { gdt, idt } = { gdt: vcpu.i32.slice(104, 106), idt: vcpu.i32.slice(106, 108) };
  const { holes } = primer.monitor;

  it('are named where they go wrong, once for each time, with what ring 0 would have', () => {
    const table = (name: 'GDTR' | 'IDTR', at: number, limit: number, own: Int32Array): Difference => ({
      kind: 'showsTable',
      name,
      seen: { base: at, limit },
      ring0: { base: own[0] >>> 0, limit: own[1] },
    });
    const cs = shows('CS', 0x09, 0x08);
    const ss = shows('SS', 0x11, 0x10);
    const jumped: Difference = { kind: 'loads', name: 'CS', seen: 0x09, ring0: 0x08 };
    const lost: Difference = { kind: 'keeps', name: 'IF', seen: 1, ring0: 0 };
    expect(inRoutines(holes)).toEqual({
      sense_sgdt: [once('sgdt', table('GDTR', H.GDT, H.GDT_SIZE - 1, gdt))],
      sense_sidt: [once('sidt', table('IDTR', H.IDT, 0x7ff, idt))],
      sense_str: [once('str', shows('TR', H.SELECTOR.task, 0x28))],
      // It is right after STI: of two times one is wrong.
      sense_pushf: [once('pushf', shows('IF', 1, 0))],
      // To set IF, then to clear it.
      sense_popf: [{ mnemonic: 'popf', what: lost, count: 2 }],
      sense_iret: [
        { mnemonic: 'push', what: cs, count: 2 },
        { mnemonic: 'iret', what: lost, count: 2 },
      ],
      sense_lar: [once('lar', shows('access rights', 0xc0bb00, 0xc09b00))],
      sense_lsl: [once('lsl', shows('limit', 0xffbfffff, 0xffffffff))],
      sense_push: [once('push', cs), once('push', ss)],
      sense_mov_from: [once('mov', cs), once('mov', ss)],
      sense_call: [once('call', cs), once('retf', jumped)],
      sense_jmp: [once('jmp', jumped), once('mov', cs)],
      // RETF to a selector of ring 0 traps.
      sense_ret: [once('mov', cs)],
    });
  });

  it('read as sentences', () => {
    const all = holes.map(sentenceOf);
    expect(all).toContain('PUSH: ring 1 saw CS.RPL=1 where ring 0 would see 0.');
    expect(all).toContain('POPF did not change IF: it is 1, where ring 0 would have 0.');
    expect(all.some(text => text.startsWith("SGDT shows the monitor's table: base ffc00000"))).toBe(true);
    expect(all).toContain('STR: ring 1 saw TR e038 where ring 0 would see 0028.');
  });

  it('do the same with nobody looking', () => {
    const other = new Primer('trap', false);
    other.type('sensitive');
    expect(other.text).toBe(primer.text);
    expect(other.monitor.holes).toEqual([]);
    const { direct, emulated, monitor } = other.monitor.counts;
    expect(primer.monitor.counts).toMatchObject({ direct, emulated, monitor });
  });

  it('go right under another technique, and wrong again after it', () => {
    const total = () => primer.monitor.holes.reduce((sum, hole) => sum + hole.count, 0);
    primer.monitor.change('translate', 'shadow');
    const before = total();
    primer.type('sensitive');
    expect(total()).toBe(before);
    primer.monitor.change('trap', 'shadow');
    primer.type('ps');
    expect(total()).toBeGreaterThan(before);
  });
});

/** Beyond the list: the x87 notes the selectors of its last instruction and operand, and shows them. */
const X87_SELECTORS = /^x87\.[57]:/;
/** And so do these, or load a selector as MOV does; CPUID shows the machine's VMX. */
const BEYOND: readonly OperationName[] = ['cpuid', 'fnsave', 'fnstenv', 'lds', 'les', 'lss', 'lfs', 'lgs'];

/** What a piece executes in ring 0. */
function executed(bare: BareSubject, piece: Piece): readonly OperationName[] {
  const names: OperationName[] = [];
  bare.run(piece, 3000, { before: (_, i) => i !== null && names.push(i.row.operation), after: () => {} });
  return names;
}

describe('a random kernel in ring 1', () => {
  const SEED = Number(process.env['SEED'] ?? 1);
  const PIECES = 150;

  it(`that does not do what it does in ring 0 has met a hole (from seed ${SEED})`, () => {
    const bare = new BareSubject();
    const create = (): MonitorSubject => {
      const made = new MonitorSubject('trap', 'shadow');
      made.monitor.watchHoles(true);
      return made;
    };
    let subject = create();
    const occurrences = () => subject.monitor.holes.reduce((sum, hole) => sum + hole.count, 0);
    const unexplained: string[] = [];
    let wrong = 0;
    for (let seed = SEED; seed < SEED + PIECES; seed++) {
      const piece = pieceOf(seed, 0, false);
      const expected = bare.run(piece, 3000);
      if (expected.end === 'steps') continue;
      const before = occurrences();
      let actual: Outcome;
      try {
        actual = subject.run(piece, 300_000);
      } catch (thrown) {
        // One that went astray, this or the last, met what the machine does not do yet.
        if (!(thrown instanceof MachineStop)) throw thrown;
        subject = create();
        continue;
      }
      const found = difference(expected, actual).filter(text => !X87_SELECTORS.test(text));
      // What the manual leaves open shows in a second run: see checkEquivalence().
      if (found.length === 0 || difference(expected, bare.runForgetful(piece, 3000)).length > 0) continue;
      wrong++;
      if (occurrences() === before && !executed(bare, piece).some(name => BEYOND.includes(name)))
        unexplained.push(`seed ${seed}: ${found.slice(0, 5).join('; ')}`);
    }
    expect(unexplained).toEqual([]);
    expect(wrong).toBeGreaterThan(PIECES / 10);
  });
});

describe('the list of holes', () => {
  it('is bounded', () => {
    const holes = new Holes();
    for (let n = 0; n < 5000; n++) holes.note('pushf', 4096 + n, shows('IF', 1, 0));
    holes.note('pushf', 4096, shows('IF', 1, 0));
    expect(holes.all.length).toBe(1025);
    expect(holes.all.reduce((sum, hole) => sum + hole.count, 0)).toBe(5001);
    expect(holes.all.find(hole => hole.address === 4096)?.count).toBe(2);
  });
});
