import * as L from '../machine/cpu/layout.ts';
import { type MachineState, type Pc, timeStampOffset } from '../machine/pc.ts';
import { FRAME_SIZE } from './memory/frames.ts';
import { NO_FRAME } from './memory/guest-memory.ts';
import type { VirtualMachine } from './vm.ts';

/**
 * A virtual machine as the state of a machine that the guest would have for itself: so a guest moves between the two, and a snapshot of one is a
 * snapshot of the other. The guest must not be on the machine's processor: all of it must be in the virtual one.
 */

/** `pc`: the machine, whose steps and time count; `typed`: bytes that are still on their way to the serial port. */
export function saveVm(vm: VirtualMachine, pc: Pc, typed: readonly number[]): MachineState {
  const { vcpu, memory, board } = vm;
  const pages: number[] = [];
  for (let page = 0; page < memory.map.length; page++) {
    if (memory.map[page] !== NO_FRAME && !memory.isZero(page)) pages.push(page);
  }
  const bytes = new Uint8Array(pages.length * FRAME_SIZE);
  pages.forEach((page, n) => {
    memory.copyPage(page, bytes.subarray(n * FRAME_SIZE, (n + 1) * FRAME_SIZE));
  });
  return {
    memoryBytes: memory.size,
    count: pc.cpu.count,
    walks: 0,
    walkReferences: 0,
    nestedWalks: 0,
    nestedReferences: 0,
    clock: pc.clock.save(),
    processor: memory.bytes.slice(0, L.STATE_BYTES),
    tlb: vcpu.saveTlb(),
    a20: memory.addressMask === -1,
    devices: { ...board.save(), [board.uart.name]: board.uart.save(typed), timeStamp: { offset: vm.timeStampOffset } },
    pages: Uint32Array.from(pages),
    bytes,
  };
}

/** Throws TypeError if the state is not of a machine like this one, or of a guest that uses what a virtual processor does not have. */
export function restoreVm(vm: VirtualMachine, pc: Pc, state: MachineState): void {
  const { vcpu, memory, board } = vm;
  if (state.memoryBytes !== memory.size) throw new TypeError('The snapshot is of a machine with another memory size.');
  const words = new Int32Array(state.processor.slice().buffer);
  if (words[L.W_VMX_OPERATION] !== L.VMX_OFF) {
    throw new TypeError(
      'This guest uses VMX itself, which the monitor does not give to its guests: it can only run bare.',
    );
  }
  const offset = timeStampOffset(state);
  board.restore(state.devices);
  pc.cpu.restoreCount(state.count);
  pc.clock.restore(state.clock);
  memory.clear();
  memory.addressMask = -1;
  memory.hole = -1;
  state.pages.forEach((page, n) => {
    memory.load(page * FRAME_SIZE, state.bytes.subarray(n * FRAME_SIZE, (n + 1) * FRAME_SIZE));
  });
  vm.restoreState(offset);
  memory.bytes.set(state.processor, 0);
  vcpu.rederive();
  vcpu.flushAll();
  vcpu.noticeInterrupt();
}
