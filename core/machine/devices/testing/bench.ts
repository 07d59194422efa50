import fc from 'fast-check';
import { expect } from 'vitest';
import { PortBus, type PortRange } from '../bus.ts';
import type { Clock, Device, DeviceState, InterruptLine, PortHandler, PortSize } from '../device.ts';

/** A clock that a test sets. */
export class TestClock implements Clock {
  time = 0;
  rescheduled = false;

  now(): number {
    return this.time;
  }

  reschedule(): void {
    this.rescheduled = true;
  }
}

/** A line that writes down its edges, with their times. */
export class TestLine implements InterruptLine {
  level = false;
  readonly edges: string[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(level: boolean): void {
    if (level === this.level) return;
    this.level = level;
    this.edges.push(`${level ? 'up' : 'down'} ${this.#clock.now()}`);
  }
}

/** One device on a bus of its own, as a board would run it. */
export interface Subject {
  readonly device: Device & PortHandler & { readonly ports: readonly PortRange[] };
  readonly lines: readonly TestLine[];
  /** What the device has told its callbacks. */
  readonly said: string[];
  /** Input from outside, by any number. */
  readonly poke?: (number: number) => unknown;
}

export type MakeSubject = (clock: TestClock) => Subject;

/** Runs a device by the contract of Clock and Device, and fails when the device breaks it. */
export class Bench {
  readonly clock = new TestClock();
  readonly bus = new PortBus();
  readonly subject: Subject;
  #deadline: number;

  constructor(make: MakeSubject) {
    this.subject = make(this.clock);
    this.bus.attach(this.subject.device);
    this.#deadline = this.subject.device.deadline();
  }

  in(port: number, size: PortSize = 1): number {
    const value = this.bus.read(port, size);
    this.checkDeadline();
    return value;
  }

  out(port: number, value: number, size: PortSize = 1): void {
    this.bus.write(port, value, size);
    this.checkDeadline();
  }

  poke(number: number): unknown {
    const answer = this.subject.poke?.(number);
    this.checkDeadline();
    return answer;
  }

  /** Lets time pass, with advance() at each deadline. */
  wait(nanoseconds: number): void {
    const end = this.clock.time + nanoseconds;
    while (this.#deadline <= end) {
      this.clock.time = Math.max(this.clock.time, this.#deadline);
      this.subject.device.advance(this.clock.time);
      this.#deadline = this.subject.device.deadline();
      expect(this.#deadline).toBeGreaterThan(this.clock.time);
    }
    this.clock.rescheduled = false;
    this.clock.time = end;
  }

  /** Puts another bench's state and time into this one. */
  restore(state: DeviceState, from: Bench): void {
    this.clock.time = from.clock.time;
    this.subject.device.restore(state);
    this.#deadline = this.subject.device.deadline();
    this.subject.lines.forEach((line, i) => {
      line.level = from.subject.lines[i].level;
      line.edges.length = 0;
    });
    this.subject.said.length = 0;
  }

  /** The board keeps the deadline it knows until it is told of another. */
  checkDeadline(): void {
    if (this.clock.rescheduled) this.#deadline = this.subject.device.deadline();
    this.clock.rescheduled = false;
    expect(this.subject.device.deadline()).toBe(this.#deadline);
  }
}

type Step =
  | { readonly do: 'in'; readonly port: number; readonly size: PortSize }
  | { readonly do: 'out'; readonly port: number; readonly size: PortSize; readonly value: number }
  | { readonly do: 'wait'; readonly time: number }
  | { readonly do: 'poke'; readonly number: number };

/**
 * Property: under any traffic, a device restored from a save (through JSON, into a device that has done other things)
 * answers, drives its lines and calls back exactly as the one that was saved.
 */
export function checkSnapshots(make: MakeSubject, ports: readonly number[], sizes: readonly PortSize[] = [1]): void {
  const port = fc.constantFrom(...ports);
  const size = fc.constantFrom(...sizes);
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('in' as const), port, size }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('out' as const),
        port,
        size,
        value: fc.oneof(fc.nat(0xff), fc.nat(0xffffffff)),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('wait' as const), time: fc.oneof(fc.nat(3000), fc.nat(2e6)) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('poke' as const), number: fc.nat(0xffff) }) },
  );
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(steps, steps, steps, (before, after, other) => {
      const first = new Bench(make);
      run(first, before);
      const second = new Bench(make);
      run(second, other);
      const state = first.subject.device.save();
      const copy: DeviceState = JSON.parse(JSON.stringify(state));
      expect(copy).toEqual(state);
      for (const line of first.subject.lines) line.edges.length = 0;
      first.subject.said.length = 0;
      second.restore(copy, first);
      expect(second.subject.device.save()).toEqual(state);
      expect(second.subject.device.deadline()).toBe(first.subject.device.deadline());
      expect(run(second, after)).toEqual(run(first, after));
      expect(second.subject.device.save()).toEqual(first.subject.device.save());
    }),
    { numRuns: 150 },
  );
}

/** What could be seen of a device while it went through the steps. */
function run(bench: Bench, steps: readonly Step[]): unknown {
  const seen: unknown[] = [];
  for (const step of steps) {
    if (step.do === 'in') seen.push(bench.in(step.port, step.size));
    else if (step.do === 'out')
      bench.out(step.port, step.size === 4 ? step.value : step.value & (2 ** (8 * step.size) - 1), step.size);
    else if (step.do === 'wait') bench.wait(step.time);
    else seen.push(bench.poke(step.number));
  }
  return { seen, said: bench.subject.said, edges: bench.subject.lines.map(line => line.edges) };
}

/**
 * restore() takes every field: changed to another value that it accepts, save() gives that value back. And it refuses
 * every state with a field missing, of another type, or too many.
 */
export function checkRestore(make: MakeSubject): void {
  const bench = new Bench(make);
  bench.wait(5000);
  const { device } = bench.subject;
  const good = device.save();
  for (const [path, states] of changes(good, '')) {
    const accepted = states.filter(state => {
      try {
        device.restore(state as DeviceState);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return false;
      }
      expect(device.save(), path).toEqual(state);
      return true;
    });
    expect(accepted.length, `${path} takes no other value`).toBeGreaterThan(0);
  }
  const bad: unknown[] = [null, 7, [], { ...good, surplus: 1 }, ...variants(good)];
  for (const state of bad) {
    expect(() => device.restore(state as DeviceState), JSON.stringify(state)).toThrow(TypeError);
    expect(() => device.restore(state as DeviceState)).toThrow(/^(The|In the) saved state of .*\.$/);
  }
  device.restore(good);
  expect(device.save()).toEqual(good);
}

/** For each field at any depth, its path and the whole state with other values in its place. */
function changes(value: unknown, path: string): [path: string, states: unknown[]][] {
  if (Array.isArray(value) && value.every(item => typeof item === 'number')) {
    return [[path, [value.length === 0 ? [7] : value.with(0, value[0] ^ 1)]]];
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) =>
      changes(item, `${path}.${key}`).map(([name, states]): [string, unknown[]] => [
        name,
        states.map(state => (Array.isArray(value) ? value.with(Number(key), state) : { ...value, [key]: state })),
      ]),
    );
  }
  if (typeof value === 'boolean') return [[path, [!value]]];
  if (typeof value === 'number') return [[path, [value + 1, value - 1]]];
  if (typeof value === 'string') return [[path, ['off', 'ready', 'idle', 'shifting'].filter(other => other !== value)]];
  return [[path, [12_345]]];
}

/** The state with each of its fields, at any depth, taken away or made nonsense of. */
function variants(value: unknown): unknown[] {
  const found: unknown[] = [];
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      for (const wrong of [...variants(item), 'nonsense']) found.push(value.with(i, wrong));
    });
    return found.slice(0, 200);
  }
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, item] of Object.entries(value)) {
    const { [key]: _, ...without } = value as Record<string, unknown>;
    found.push(without);
    for (const wrong of [
      ...variants(item),
      'nonsense',
      -(2 ** 40),
      Number.NaN,
      2 ** 60 + 2048 * 7 + 0.5,
      {},
      [300],
      undefined,
    ]) {
      // A field of numbers without an upper bound takes a large one.
      if (typeof wrong === 'number' && wrong > 0 && (item === null || key.endsWith('At'))) continue;
      found.push({ ...value, [key]: wrong });
    }
  }
  return found;
}
