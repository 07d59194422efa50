import { describe, expect, it } from 'vitest';
import { x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import { GUEST, VmxBench } from './testing/vmx-bench.ts';

describe.each(MACHINES)('VM exits, $engine', machine => {
  const bench = () => new VmxBench(machine);

  it('CPUID', () => {
    expect(bench().exitOf(x('90'), x('0f a2'))).toEqual({
      reason: 'cpuid',
      qualification: 0,
      length: 2,
      eip: GUEST + 1,
    });
  });
  it('CPUID under EPT', () => {
    expect(bench().ept().exitOf(x('90'), x('0f a2'))).toEqual({
      reason: 'cpuid',
      qualification: 0,
      length: 2,
      eip: GUEST + 1,
    });
  });
});
