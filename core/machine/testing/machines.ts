import { Processor } from '../cpu/processor.ts';
import type { PhysicalMemory } from '../physical.ts';
import { Translator } from '../translate/translator.ts';

/** A processor that is held to the specs, with the engine that runs its code. */
export interface MachineUnderTest {
  readonly engine: string;
  /** A processor after RESET on this memory. */
  readonly open: (physical: PhysicalMemory) => Processor;
}

/** Every engine: a further one is a further row, and all specs run on it. */
export const MACHINES: readonly MachineUnderTest[] = [
  { engine: 'executor', open: physical => new Processor(physical) },
  translating('interpret'),
  translating('regions'),
];

/** Everything is translated the first time that it comes. */
function translating(engine: 'interpret' | 'regions'): MachineUnderTest {
  const open = (physical: PhysicalMemory) => {
    const cpu = new Processor(physical);
    cpu.translator = new Translator(cpu, engine, { hot: 0, batch: 1, often: 1 });
    return cpu;
  };
  return { engine, open };
}
