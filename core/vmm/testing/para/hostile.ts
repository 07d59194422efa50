import { MachineStop } from '../../../machine/cpu/fault.ts';
import * as L from '../../../machine/cpu/layout.ts';
import { Random } from '../../../machine/testing/random.ts';
import * as H from '../../host/layout.ts';
import { DOMID_SELF, FLAT, HOLE_START, HYPERCALL, HYPERCALL_VECTOR, type HypercallName } from '../../para/abi.ts';
import { Caller } from './caller.ts';
import { BASE, CODE, FOREVER, HANDLER, little, move, STACK_PAGE, TABLES_PAGE } from './kernel.ts';

/** Kernels in ring 1 that want what is not theirs: random hypercalls, page tables, selectors and code. */

const STRETCHES = 12;
const STEPS = 400;
const LISTS = BASE + 0x240 * 4096;
/** The return from a handler has a case of its own: with what happens to be on the stack it ends the guest. */
const NAMES = (Object.keys(HYPERCALL) as HypercallName[]).filter(name => name !== 'iret' && name !== 'sched_op_compat');
const TABLES: readonly HypercallName[] = [
  'mmu_update',
  'update_va_mapping',
  'mmuext_op',
  'update_descriptor',
  'set_gdt',
];

/** Numbers that mean something to the monitor. */
function word(random: Random, guest: Caller): number {
  const frame = () => guest.frame(random.once(3) ? TABLES_PAGE + random.below(4) : random.below(guest.pages));
  switch (random.below(9)) {
    case 0:
      return random.below(20);
    case 1:
      return frame();
    case 2:
    case 3:
      return frame() * 4096 + random.pick([1, 3, 7, 0x63, 0x67, 0]);
    case 4:
      return frame() * 4096 + random.below(512) * 8 + random.below(4);
    case 5:
      return BASE + random.below(0x400) * 4096 + random.below(1024) * 4;
    case 6:
      return LISTS + random.below(64) * 16;
    case 7:
      return random.pick([HOLE_START, H.GDT, H.IDT, H.STACK, 0xfffffffc, DOMID_SELF, FLAT.ring1Code, 0]);
    default:
      return random.word() >>> 0;
  }
}

/** The hypercall that leaves a handler, with a frame for anywhere: EAX, EIP, CS, EFLAGS, ESP, SS. */
function returnFrame(random: Random, value: () => number): readonly number[] {
  const cs = random.once(8) ? value() & 0xffff : random.pick([FLAT.ring1Code, FLAT.ring3Code]);
  const ss = random.once(8) ? value() & 0xffff : FLAT.ring3Data;
  const eip = random.once(4) ? value() : CODE + random.below(0x380);
  const frame = [ss, value(), random.word() & 0xfed7, cs, eip, value()];
  return [...frame.flatMap(word => [0x68, ...little(word)]), ...move(0, HYPERCALL.iret), 0xcd, HYPERCALL_VECTOR];
}

/** A piece of hostile code. */
function piece(random: Random, guest: Caller): readonly number[] {
  const value = () => word(random, guest);
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const name = random.pick(random.once(2) ? TABLES : NAMES);
      const args = [
        random.once(3) ? value() : LISTS + random.below(64) * 16,
        random.once(2) ? 1 + random.below(3) : value(),
      ];
      args.push(random.once(2) ? 0 : value(), name === 'update_va_mapping' ? random.below(3) : DOMID_SELF, value());
      const registers = [3, 1, 2, 6, 7];
      return [
        ...args.flatMap((argument, n) => move(registers[n], argument)),
        ...move(0, HYPERCALL[name]),
        0xcd,
        HYPERCALL_VECTOR,
      ];
    }
    case 4:
    case 5:
      // MOV [address], value
      return [0xc7, 0x05, ...little(random.once(2) ? LISTS + random.below(256) * 4 : value()), ...little(value())];
    case 6:
      // MOV EAX, [address]
      return [0xa1, ...little(value())];
    case 7: {
      // MOV EAX, value; MOV segment, EAX
      const selector = random.pick([
        0xe008, 0xe010, 0xe019, 0xe021, 0xe02b, 0xe033, 0xe038, 0xe049, 0xe051, 9, 0x0f, 7, 0,
      ]);
      return [...move(0, selector), 0x8e, 0xc0 | (random.pick([0, 3, 4, 5, 2]) << 3)];
    }
    case 8:
      return [0xcd, random.below(256)];
    case 9:
      return random.pick([
        [0xfa],
        [0x0f, 0x06],
        [0x0f, 0x22, 0xd8],
        [0x0f, 0x20, 0xd8],
        [0x0f, 0x01, 0x10],
        [0xcf],
        [0xcb],
      ]);
    case 10:
      if (random.once(4)) return returnFrame(random, value);
      // JMP far
      return [0xea, ...little(value()), random.below(256), random.pick([0xe0, 0])];
    default:
      return Array.from({ length: 1 + random.below(6) }, () => random.below(256));
  }
}

/** Code for the guest, and how many pieces it has. */
function program(random: Random, guest: Caller): { readonly code: Uint8Array; readonly pieces: number } {
  const bytes: number[] = [];
  let pieces = 0;
  for (; bytes.length < 0x380; pieces++) bytes.push(...piece(random, guest));
  const page = new Uint8Array(0x1000).fill(0x90);
  page.set(bytes.slice(0, 0x3f0));
  // Every exception comes here: a fresh stack, and on with a later part of the code.
  const handler: number[] = [...move(4, BASE + (STACK_PAGE + 1) * 4096 - 64), 0x8c, 0xd0, 0x8e, 0xd8, 0x8e, 0xc0];
  const counter = [0xff, 0x05, ...little(LISTS + 0xff0)];
  const spread = [
    0xa1,
    ...little(LISTS + 0xff0),
    0x6b,
    0xc0,
    61,
    0x25,
    0xff,
    3,
    0,
    0,
    0x05,
    ...little(CODE),
    0xff,
    0xe0,
  ];
  page.set([...handler, ...counter, ...spread], HANDLER - CODE);
  return { code: page, pieces };
}

/** What the machine's TLB would let the guest do and the frame table forbids. */
function tlbHoles(guest: Caller): string[] {
  const { tables } = guest.domain;
  const { frames } = tables;
  if (frames.flushNeeded || tables.rootChanged) return [];
  const { local, global } = guest.world.pc.cpu.saveTlb();
  const holes: string[] = [];
  for (const { words, entries } of [local, global]) {
    words.forEach((at, n) => {
      if (entries[n] === L.INVALID) return;
      const table = Math.floor((at - L.W_TLB) / L.TABLE_WORDS);
      const page = (at - L.W_TLB) % L.TABLE_WORDS;
      const linear = page * 4096;
      const frame = (((linear + entries[n]) >>> 0) - L.RAM) >>> 12;
      const isUser = table >= 3;
      const isWrite = table % 3 === 1;
      // The monitor's own pages are supervisor pages behind the limits of the guest's segments.
      if (linear >= H.MONITOR_BASE && !isUser) return;
      if (linear >= HOLE_START) {
        if (isUser || isWrite) holes.push(`the guest may use ${linear.toString(16)}`);
        return;
      }
      const type = frames.isVisible(frame) ? frames.type(frame) : 'foreign';
      if (type === 'foreign' || (isWrite && type !== 'none' && type !== 'writable')) {
        holes.push(`${linear.toString(16)} reaches frame ${frame.toString(16)}, ${type}${isWrite ? ', to write' : ''}`);
      }
    });
  }
  return holes;
}

/** What of the monitor's bytes a guest must never change: stubs, gates, its own descriptors, its tables and stack pointers. */
function monitorBytes(guest: Caller): string {
  const { host } = guest.domain;
  const words: number[] = [];
  const take = (from: number, bytes: number) => {
    for (let at = 0; at < bytes; at += 4) words.push(host.read(from + at, 4));
  };
  take(H.CODE, H.CODE_SIZE);
  take(H.IDT, 0x80 * 8);
  take(H.IDT + 0x81 * 8, 0x7f * 8);
  take(H.GDT + H.FIRST_RESERVED_SELECTOR, 0x38);
  take(H.TSS, 12);
  return words.join(' ');
}

/** What a hostile kernel did, and how it ended. */
export interface HostileRun {
  /** What it got at, in words: nothing, if the monitor holds. */
  readonly wrong: readonly string[];
  readonly end: string;
  /** Pieces of hostile code that it consists of. */
  readonly pieces: number;
  readonly calls: number;
  readonly refused: number;
  readonly validations: number;
}

/** A guest whose every exception goes to the handler in its code. Every domain of this size gets the same frames as `probe`. */
function createHostile(random: Random, probe: Caller): { readonly guest: Caller; readonly pieces: number } {
  const { code, pieces } = program(random, probe);
  const guest = new Caller(code);
  const traps = Array.from({ length: 32 }, (_, vector) => [vector | (4 << 8) | (FLAT.ring1Code << 16), HANDLER]);
  guest.call('set_trap_table', guest.put(...traps.flat(), 0, 0));
  guest.call('set_callbacks', FLAT.ring1Code, HANDLER, FLAT.ring1Code, HANDLER);
  guest.call('stack_switch', FLAT.ring1Data, BASE + (STACK_PAGE + 1) * 4096);
  for (let at = 0; at < 0xff0; at += 4) guest.domain.access.write(LISTS + at, 4, word(random, guest) | 0);
  return { guest, pieces };
}

/** Runs the kernel that a seed stands for, and looks at the machine now and then. */
export function runHostile(seed: number, probe: Caller): HostileRun {
  const { guest, pieces } = createHostile(new Random(seed), probe);
  const before = monitorBytes(guest);
  const first = guest.domain;
  const wrong: string[] = [];
  const look = () => {
    wrong.push(...tlbHoles(guest), ...guest.wrong());
    if (monitorBytes(guest) !== before) wrong.push("the monitor's bytes changed");
  };
  let end = 'went on';
  try {
    for (let n = 0; n < STRETCHES && guest.domain === first && wrong.length === 0; n++) {
      const why = guest.world.monitor.run(STEPS, FOREVER, false);
      look();
      if (why === 'powerOff') break;
      if (why === 'idle') guest.domain.events.raise(2);
    }
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    const crashed = thrown instanceof MachineStop && thrown.message.startsWith('the guest crashed');
    if (!crashed) wrong.push(thrown.stack ?? thrown.message);
    end = thrown.message.replace(/[0-9a-f]{5,}/g, 'x');
    look();
  }
  const { counts } = guest.domain;
  let calls = 0;
  for (const count of counts.calls.values()) calls += count;
  return { wrong, end, pieces, calls, refused: counts.refused, validations: counts.validations };
}
