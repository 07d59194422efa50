import { expect } from 'vitest';
import { EDX } from '../../../ia32/registers.ts';
import { PAGE } from '../../../machine/mmu/walk.ts';
import { OutOfFrames } from '../../memory/frames.ts';
import { DOMID_SELF, FLAT, HYPERCALL } from '../../para/abi.ts';
import { Caller } from './caller.ts';
import { BASE, bytesOf, CODE, call, FOREVER, HYPERCALL_PAGE, little, move } from './kernel.ts';

/** Programs for the guest's kernel and ring 3, byte by byte, and what they need around them. */

/** Where tests put things: linear addresses of the start-of-day region. */
export const RESULT = BASE + 0x108 * 4096;
export const SHARED = BASE + 0x200 * 4096;
export const USER_CODE = 0x08000000;
/** A part of the code page. */
export const OTHER = CODE + 0x800;
export const POWER_OFF_ARGUMENT = RESULT + 0x800;

/** POP [address]; MOV [address], register; INC [address]; MOV [address], value. */
export const popTo = (at: number) => [0x8f, 0x05, ...little(at)];
export const store = (register: number, at: number) => [0x89, 0x05 | (register << 3), ...little(at)];
export const load = (register: number, at: number) => [0x8b, 0x05 | (register << 3), ...little(at)];
export const increment = (at: number) => [0xff, 0x05, ...little(at)];
export const put = (at: number, value: number) => [0xc7, 0x05, ...little(at), ...little(value)];
export const push = (value: number) => [0x68, ...little(value)];
/** DS as a kernel's entry from ring 3 has to load it. */
export const kernelData = [0x8c, 0xd0, 0x8e, 0xd8];
export const userData = [...push(FLAT.ring3Data), 0x1f];
/** Jumps to the stub of HYPERVISOR_iret, as a kernel does. */
export const iretByPage = [...move(EDX, BASE + HYPERCALL_PAGE * 4096 + HYPERCALL.iret * 32), 0xff, 0xe2];
export const powerOff = call('sched_op', 2, POWER_OFF_ARGUMENT);

/** Code with handlers at their places. */
export function program(
  main: readonly (readonly number[])[],
  ...handlers: readonly (readonly [number, readonly number[]])[]
): Uint8Array {
  const bytes = new Uint8Array(0x1000).fill(0xf4);
  bytes.set(bytesOf(...main));
  for (const [at, code] of handlers) bytes.set(code, at - CODE);
  return bytes;
}

/** A guest whose shared page is mapped, and whose trap table has these entries: vector, flags, address. */
export function prepare(code: Uint8Array, traps: readonly (readonly [number, number, number])[] = []): Caller {
  const guest = new Caller(code);
  const { shared } = guest.domain;
  expect(guest.call('update_va_mapping', SHARED, shared.address | PAGE.present | PAGE.writable, 0, 2)).toBe(0);
  const words = traps.flatMap(([vector, flags, address]) => [vector | (flags << 8) | (FLAT.ring1Code << 16), address]);
  expect(guest.call('set_trap_table', guest.put(...words, 0, 0))).toBe(0);
  return guest;
}

/** A page for ring 3 with code. */
export function mapUser(guest: Caller, code: Uint8Array): void {
  const { memory } = guest.world.monitor.vm;
  const tables = [0x210, 0x211, 0x212].map(page => {
    expect(guest.call('update_va_mapping', BASE + page * 4096, 0, 0, 2)).toBe(0);
    return guest.frame(page);
  });
  const [directory, table, page] = tables;
  memory.machine.load(page * 4096, code);
  const bits = PAGE.present | PAGE.writable | PAGE.user;
  const entry = (at: number, value: number) => guest.put(at, 0, value, 0);
  const root = guest.domain.tables.root;
  const at = table * 4096 + ((USER_CODE >>> 12) & 511) * 8;
  for (const request of [
    entry(at, (page * 4096) | bits),
    entry(directory * 4096 + (USER_CODE >>> 21) * 8, (table * 4096) | bits),
    entry(root * 4096, (directory * 4096) | PAGE.present),
  ]) {
    expect(guest.call('mmu_update', request, 1, 0, DOMID_SELF)).toBe(0);
  }
}

/** Frames that the machine has left. */
export function countFree({ domain: { host } }: Caller): number {
  const taken: number[] = [];
  try {
    for (;;) taken.push(host.allocate());
  } catch (thrown) {
    if (!(thrown instanceof OutOfFrames)) throw thrown;
  }
  for (const frame of taken) host.free(frame);
  return taken.length;
}

export function run(guest: Caller, steps = 200_000) {
  return guest.world.monitor.run(steps, FOREVER, false);
}
