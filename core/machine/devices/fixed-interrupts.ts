import type { DeviceState } from './device.ts';
import type { StateReader } from './state.ts';
import { VectorSet } from './vector-set.ts';

/** The fixed interrupts that a local APIC has accepted, and the priorities by which it hands them out (SDM volume 3, 10.8). */
export class FixedInterrupts {
  /** TPR. */
  taskPriority = 0;
  /** IRR, ISR and TMR. */
  readonly requests = new VectorSet();
  readonly inService = new VectorSet();
  readonly triggerMode = new VectorSet();

  reset(): void {
    this.taskPriority = 0;
    this.requests.clear();
    this.inService.clear();
    this.triggerMode.clear();
  }

  request(vector: number, isLevel: boolean): void {
    this.requests.add(vector);
    if (isLevel) this.triggerMode.add(vector);
    else this.triggerMode.delete(vector);
  }

  /** Whether one is requested that goes before what the processor does. */
  isPending(): boolean {
    return this.requests.highest() >> 4 > this.processorPriority() >> 4;
  }

  /** The processor takes the highest one, which isPending(): its vector. */
  take(): number {
    const vector = this.requests.highest();
    this.requests.delete(vector);
    this.inService.add(vector);
    return vector;
  }

  /** Ends the highest one in service. Returns its vector if it was level-triggered, else -1. */
  end(): number {
    const vector = this.inService.highest();
    if (vector < 0) return -1;
    this.inService.delete(vector);
    return this.triggerMode.has(vector) ? vector : -1;
  }

  /** PPR (10.8.3.1). */
  processorPriority(): number {
    const serving = Math.max(this.inService.highest(), 0);
    return this.taskPriority >> 4 >= serving >> 4 ? this.taskPriority : serving & 0xf0;
  }

  /** APR (10.6.2.4). */
  arbitrationPriority(): number {
    const serving = Math.max(this.inService.highest(), 0) >> 4;
    const requested = Math.max(this.requests.highest(), 0) >> 4;
    const task = this.taskPriority >> 4;
    return task >= requested && task > serving ? this.taskPriority : Math.max(task, serving, requested) << 4;
  }

  save(): DeviceState {
    return {
      taskPriority: this.taskPriority,
      requests: this.requests.save(),
      inService: this.inService.save(),
      triggerMode: this.triggerMode.save(),
    };
  }

  restore(from: StateReader): void {
    this.taskPriority = from.byte('taskPriority');
    this.requests.restore(from.uints('requests', 8, 0xffffffff));
    this.inService.restore(from.uints('inService', 8, 0xffffffff));
    this.triggerMode.restore(from.uints('triggerMode', 8, 0xffffffff));
  }
}
