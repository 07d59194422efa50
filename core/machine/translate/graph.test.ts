import { describe, expect, it } from 'vitest';
import { decode } from '../../ia32/decoder.ts';
import { type Extent, explore, type Graph } from './graph.ts';

/** At 0: PUSH EBP; CALL 20; TEST EAX, EAX; JZ 0C; CALL 20; 0C: POP EBP; RET. At 20: INC EAX; RET. */
const CODE = new Uint8Array(0x40);
CODE.set([0x55, 0xe8, 0x1a, 0, 0, 0, 0x85, 0xc0, 0x74, 0x05, 0xe8, 0x11, 0, 0, 0, 0x5d, 0xc3]);
CODE.set([0x40, 0xc3], 0x20);
// At 30: XOR EAX, EAX; 32: INC EAX; DEC ECX; JNZ 32; RET.
CODE.set([0x31, 0xc0, 0x40, 0x49, 0x75, 0xfc, 0xc3], 0x30);

function graphOf(extent: Extent, start = 0, within: number | null = null): Graph {
  const byte = (at: number) => CODE[at];
  const graph = explore(
    start,
    offset => decode({ byte }, offset, 4),
    () => true,
    64,
    extent,
    within,
  );
  if (graph === null) throw new Error('Nothing was found.');
  return graph;
}

function starts(graph: Graph, numbers: readonly number[]): readonly number[] {
  return numbers.map(n => graph.blocks[n].start).sort((a, b) => a - b);
}

describe('a procedure', () => {
  it('is entered at its beginning and behind its calls', () => {
    const graph = graphOf('procedure');
    expect(starts(graph, graph.entries)).toEqual([0, 0x06, 0x0f]);
    expect(starts(graph, graph.blocks[0].successors)).toEqual([0, 0x06, 0x0f]);
    expect(graph.blocks[0].instructions).toEqual([]);
  });

  it('has no code of what it calls', () => {
    expect(graphOf('procedure').blocks.every(({ start }) => start < 0x20 || start === 2 ** 32)).toBe(true);
  });

  it('without calls has one entry, and nothing that chooses', () => {
    const graph = graphOf('procedure', 0x20);
    expect(graph.entries).toEqual([0]);
    expect(graph.blocks.map(({ start }) => start)).toEqual([0x20]);
  });
});

describe('a procedure that is entered in its midst', () => {
  it('has an entry there, also at a loop', () => {
    expect(starts(graphOf('procedure', 0, 0x0f), [1, 2, 3])).toContain(0x0f);
    const loop = graphOf('procedure', 0x30, 0x32);
    expect(starts(loop, loop.entries)).toEqual([0x30, 0x32]);
    expect(loop.irreducible.size).toBe(0);
  });

  it('has none in the midst of a loop, which it would cut', () => {
    const graph = graphOf('procedure', 0x30, 0x33);
    expect(starts(graph, graph.entries)).toEqual([0x30]);
    expect(graph.irreducible.size).toBe(0);
  });

  it('is not that procedure if it does not lead there', () => {
    expect(() => graphOf('procedure', 0x20, 0x30)).toThrow();
  });
});

describe('the rest of a procedure', () => {
  it('goes up to a call', () => {
    const graph = graphOf('rest', 0x06);
    expect(graph.entries).toEqual([0]);
    expect(graph.blocks.map(({ start }) => start).sort((a, b) => a - b)).toEqual([0x06, 0x0a, 0x0f]);
    expect(graph.blocks.find(({ start }) => start === 0x0a)?.successors).toEqual([]);
  });
});

describe('with its calls', () => {
  it('the code is entered at its beginning only, and a return may go behind each call', () => {
    const graph = graphOf('calls');
    expect(graph.entries).toEqual([0]);
    const callee = graph.blocks.find(({ start }) => start === 0x20);
    expect(starts(graph, callee?.successors ?? [])).toEqual([0x06, 0x0f]);
  });
});

it('what is translated as one is no larger than can be compiled soon, with what it calls half as large again', () => {
  // NOP without end.
  const instructions = (extent: Extent): number => {
    const graph = explore(
      0,
      offset => decode({ byte: () => 0x90 }, offset, 4),
      () => true,
      64,
      extent,
    );
    return graph?.blocks.flatMap(block => block.instructions).length ?? 0;
  };
  expect(instructions('procedure')).toBe(1000);
  expect(instructions('rest')).toBe(1000);
  expect(instructions('calls')).toBe(1500);
});
