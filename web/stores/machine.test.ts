import { expect, test } from 'vitest';
import type { CodeRow, Registers, StopReason, View } from '../../core/protocol/messages.ts';
import { bareMonitor } from '../testing/monitor.ts';
import { isFinal, type MachineState, machine, withView } from './machine.ts';

function registers(eip: number, eax = 0): Registers {
  return {
    general: Uint32Array.of(eax, 0, 0, 0, 0, 0, 0, 0),
    eip,
    eflags: 2,
    cr0: 1,
    cr2: 0,
    cr3: 0,
    cr4: 0,
    cpl: 0,
    segments: [],
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
  };
}

const row = (address: number): CodeRow => ({
  address,
  bytes: Uint8Array.of(0x90),
  text: `at ${address}`,
  symbol: null,
  class: 'plain',
});

function view(instructions: number, eip: number, more: Partial<View> = {}): View {
  return {
    type: 'view',
    serial: 0,
    running: false,
    halted: false,
    stop: { kind: 'step' },
    instructions,
    rate: 0,
    seconds: 0,
    registers: registers(eip),
    monitor: bareMonitor,
    code: null,
    memory: null,
    console: new Uint8Array(0),
    consoleDropped: 0,
    ...more,
  };
}

/** The state after some views, with what is done to it in between. */
function after(...steps: readonly (View | Partial<MachineState>)[]): MachineState {
  let state = machine.getInitialState();
  for (const step of steps) state = { ...state, ...('serial' in step ? withView(state, step, false) : step) };
  return state;
}

test('the registers before a step are those of the stop before it', () => {
  const state = after(view(10, 0x100, { code: [row(0x100), row(0x101)] }), { stepping: true }, view(11, 0x101));
  expect(state.before?.eip).toBe(0x100);
  expect(state.executed).toMatchObject({ row: { address: 0x100 }, retired: 1 });
  expect(state.stepping).toBe(false);
});

test('a view of the same stop changes nothing', () => {
  const state = after(view(10, 0x100), view(11, 0x101), view(11, 0x101), view(11, 0x101));
  expect(state.before?.eip).toBe(0x100);
});

test('a view that was on its way when a step was asked for does not end the step', () => {
  const state = after(view(10, 0x100, { code: [row(0x100)] }), { stepping: true }, view(10, 0x100));
  expect(state.stepping).toBe(true);
  expect(after(state, view(11, 0x104)).executed).toMatchObject({ retired: 1 });
});

test('an instruction that raises an exception retires nothing, and is a step all the same', () => {
  const state = after(view(10, 0x100, { code: [row(0x100)] }), { stepping: true }, view(10, 0x8000));
  expect(state.executed).toMatchObject({ row: { address: 0x100 }, retired: 0 });
  expect(state.before?.eip).toBe(0x100);
});

test('an edited EIP is no step', () => {
  const state = after(view(10, 0x100), view(10, 0x8000));
  expect(state.executed).toBeNull();
  expect(state.before?.eip).toBe(0x100);
  expect(state.stopped?.registers.eip).toBe(0x8000);
});

test('an edited register shows as changed, and is what the next step starts from', () => {
  const edited = view(10, 0x100, { registers: registers(0x100, 7) });
  const state = after(view(10, 0x100), edited);
  expect(state.before?.general[0]).toBe(0);
  const next = after(state, { stepping: true }, view(11, 0x101, { registers: registers(0x101, 7) }));
  expect(next.before?.general[0]).toBe(7);
});

test('while it runs the last stop is kept, and the next stop compares with it', () => {
  const running = after(view(10, 0x100), view(500, 0x300, { running: true }));
  expect(running.stopped?.registers.eip).toBe(0x100);
  const stopped = after(running, view(900, 0x400));
  expect(stopped.before?.eip).toBe(0x100);
  expect(stopped.executed).toBeNull();
});

test('after a reset nothing counts as changed', () => {
  const start: StopReason = { kind: 'start' };
  const state = after(view(10, 0x100), view(11, 0x101), { resetting: true }, view(11, 0x7c00, { stop: start }));
  expect(state.before).toBeNull();
  expect(state.resetting).toBe(false);
});

test('code rows stay until new ones come, and dropped console bytes add up', () => {
  const state = after(view(1, 1, { code: [row(1)], consoleDropped: 3 }), view(2, 2, { consoleDropped: 4 }));
  expect(state.code).toHaveLength(1);
  expect(state.consoleDropped).toBe(7);
});

test('only stops that nothing can leave are final', () => {
  expect(isFinal(view(1, 1, { stop: { kind: 'powerOff' } }))).toBe(true);
  expect(isFinal(view(1, 1, { stop: { kind: 'tripleFault', report: '' } }))).toBe(true);
  expect(isFinal(view(1, 1, { stop: { kind: 'powerOff' }, running: true }))).toBe(false);
});
