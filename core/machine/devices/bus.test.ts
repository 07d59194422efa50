import { expect, test } from 'vitest';
import { PortBus } from './bus.ts';
import type { PortHandler } from './device.ts';

/** Answers the low byte of the port number in every byte, and writes down what it was asked. */
class Recorder implements PortHandler {
  readonly log: string[] = [];

  readPort(port: number, size: number): number {
    this.log.push(`in ${port.toString(16)}/${size}`);
    return ((port & 0xff) * 0x01010101) % 2 ** (8 * size);
  }

  writePort(port: number, value: number, size: number): void {
    this.log.push(`out ${port.toString(16)}/${size} ${value.toString(16)}`);
  }
}

test('an unclaimed port reads all ones in every width and takes writes', () => {
  const bus = new PortBus();
  expect(bus.read(0x3c0, 1)).toBe(0xff);
  expect(bus.read(0x3c0, 2)).toBe(0xffff);
  expect(bus.read(0xffff, 4)).toBe(0xffffffff);
  bus.write(0xffff, 0x12345678, 4);
});

test('wide accesses to a byte-wide device become bytes, little end first', () => {
  const bus = new PortBus();
  const device = new Recorder();
  bus.register(0x40, 4, device);
  expect(bus.read(0x40, 4)).toBe(0x43424140);
  bus.write(0x40, 0xdeadbeef, 4);
  bus.write(0x42, 0x1234, 2);
  expect(device.log.slice(0, 4)).toEqual(['in 40/1', 'in 41/1', 'in 42/1', 'in 43/1']);
  expect(device.log.slice(4, 8)).toEqual(['out 40/1 ef', 'out 41/1 be', 'out 42/1 ad', 'out 43/1 de']);
  expect(device.log.slice(8)).toEqual(['out 42/1 34', 'out 43/1 12']);
});

test('a device sees whole the widths that it claims', () => {
  const bus = new PortBus();
  const words = new Recorder();
  const doublewords = new Recorder();
  bus.register(0x1f0, 4, words, 2);
  bus.register(0xcfc, 4, doublewords, 4);
  bus.write(0x1f0, 0xcafebabe, 4);
  expect(words.log).toEqual(['out 1f0/2 babe', 'out 1f2/2 cafe']);
  expect(bus.read(0xcfc, 4)).toBe(0xfcfcfcfc);
  expect(bus.read(0xcfe, 2)).toBe(0xfefe);
  expect(bus.read(0xcfd, 1)).toBe(0xfd);
  expect(doublewords.log).toEqual(['in cfc/4', 'in cfe/2', 'in cfd/1']);
});

test('an access across the edge of a claim is split between its owners', () => {
  const bus = new PortBus();
  const left = new Recorder();
  const right = new Recorder();
  bus.register(0x100, 2, left, 4);
  bus.register(0x102, 1, right, 4);
  expect(bus.read(0x101, 4)).toBe(0xffff0201);
  bus.write(0x100, 0x44332211, 4);
  expect(left.log).toEqual(['in 101/1', 'out 100/2 2211']);
  expect(right.log).toEqual(['in 102/1', 'out 102/1 33']);
});

test('an access past the last port wraps to the first', () => {
  const bus = new PortBus();
  const device = new Recorder();
  bus.register(0x0000, 1, device, 4);
  bus.register(0xffff, 1, device, 4);
  expect(bus.read(0xffff, 2)).toBe(0x00ff);
});

test('claims are checked', () => {
  const bus = new PortBus();
  bus.register(0x60, 1, new Recorder());
  expect(() => bus.register(0x5f, 2, new Recorder())).toThrow('Port 0x60 is claimed already.');
  expect(() => bus.register(0xffff, 2, new Recorder())).toThrow(RangeError);
  expect(() => bus.register(-1, 2, new Recorder())).toThrow(RangeError);
  expect(() => bus.register(1, 0, new Recorder())).toThrow(RangeError);
  expect(bus.read(0x5f, 1)).toBe(0xff);
});
