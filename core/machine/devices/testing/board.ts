import { PortBus } from '../bus.ts';
import type { Device } from '../device.ts';
import { Dma } from '../dma.ts';
import { I8042 } from '../i8042.ts';
import { Pci } from '../pci.ts';
import { Pic } from '../pic.ts';
import { Pit } from '../pit.ts';
import { Rtc } from '../rtc.ts';
import { Uart } from '../uart.ts';
import { TestClock } from './bench.ts';
import type { PortStep } from './port-script.ts';

/** The devices wired as on a PC, without a processor: a script plays its part. */
export class TestBoard {
  readonly clock = new TestClock();
  readonly bus = new PortBus();
  readonly pic = new Pic({ onInterrupt: () => {} });
  readonly #devices: readonly Device[];

  constructor() {
    const { clock, pic } = this;
    const i8042 = new I8042({
      clock,
      keyboardLine: pic.line(1),
      auxLine: pic.line(12),
      onA20: () => {},
      onReset: () => {},
    });
    const uart = new Uart({ name: 'uart0', base: 0x3f8, clock, line: pic.line(4), onTransmit: () => {} });
    const rtc = new Rtc({ clock, line: pic.line(8), startTime: 0, memoryBytes: 2 ** 25 });
    const pit = new Pit({ clock, line: pic.line(0) });
    const devices = [pic, pit, rtc, uart, i8042, new Dma(), new Pci()];
    for (const device of devices) this.bus.attach(device);
    this.#devices = devices;
    for (const device of devices) device.reset();
  }

  wait(nanoseconds: number): void {
    const end = this.clock.time + nanoseconds;
    for (;;) {
      let due: Device | undefined;
      for (const device of this.#devices) {
        if (device.deadline() <= end && (due === undefined || device.deadline() < due.deadline())) due = device;
      }
      if (due === undefined) break;
      this.clock.time = Math.max(this.clock.time, due.deadline());
      due.advance(this.clock.time);
    }
    this.clock.time = end;
  }

  /** Plays one step; what a read answered. Each access takes as long as a few instructions. */
  step(step: PortStep): number | undefined {
    this.wait(100);
    switch (step[0]) {
      case 'in':
        return this.bus.read(step[1], 1) & (step[2] ?? 0xff);
      case 'in4':
        return this.bus.read(step[1], 4);
      case 'out':
        this.bus.write(step[1], step[2], 1);
        return undefined;
      case 'out4':
        this.bus.write(step[1], step[2], 4);
        return undefined;
      case 'us':
        this.wait(step[1] * 1000);
        return undefined;
    }
  }
}
