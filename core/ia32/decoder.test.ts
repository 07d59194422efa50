import { describe, expect, it } from 'vitest';
import { decode } from './decoder.ts';
import { type Instruction, KIND, NO_OPERAND } from './instruction.ts';
import { DS, EBP, EBX, EDI, ESI, ESP, FS, NO_REGISTER, SS } from './registers.ts';

function decodeHex(hex: string, codeSize: 2 | 4 = 4): Instruction {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return decode({ byte: offset => bytes[offset] }, 0, codeSize);
}

describe('fetch', () => {
  it('asks for the bytes of the instruction, in order, and for no other', () => {
    const asked: number[] = [];
    const bytes = [0xc7, 0x44, 0x24, 0x10, 1, 2, 3, 4, 0x90];
    const source = {
      byte(offset: number) {
        asked.push(offset);
        return bytes[offset - 0x7c00];
      },
    };
    expect(decode(source, 0x7c00, 4).length).toBe(8);
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(n => 0x7c00 + n));
  });

  it('lets the fault of the source through, and decodes the next instruction well', () => {
    const fault = new Error('page fault');
    const source = {
      byte(offset: number) {
        if (offset >= 4) throw fault;
        return 0x66;
      },
    };
    expect(() => decode(source, 0, 4)).toThrow(fault);
    expect(decodeHex('40').dst).toMatchObject({ kind: KIND.r32, register: 0 });
  });

  it.each([
    ['prefixes only', '66'.repeat(20)],
    ['the immediate is too far', `${'2e'.repeat(11)} 81 c0 78 56 34 12`],
    ['the second opcode byte is too far', `${'2e'.repeat(14)} 0f a2`],
    ['an undefined instruction of 16 bytes', `${'f0'.repeat(11)} 81 f8 78 56 34 12`],
  ])('stops after 15 bytes: %s', (_, hex) => {
    let last = 0;
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    const source = {
      byte(offset: number) {
        last = offset;
        return bytes[offset];
      },
    };
    const i = decode(source, 0, 4);
    expect(i.row.operation).toBe('tooLong');
    expect(i.row.endsBlock).toBe(true);
    expect(i.length).toBe(15);
    expect(i.dst).toBe(NO_OPERAND);
    expect(last).toBe(14);
  });

  it('takes an instruction of 15 bytes', () => {
    const i = decodeHex(`${'2e'.repeat(9)} 81 c0 78 56 34 12`);
    expect(i.row.operation).toBe('add');
    expect(i.length).toBe(15);
  });
});

describe('prefixes', () => {
  it('the last segment override and the last repeat prefix count', () => {
    const i = decodeHex('26 f2 64 f3 a5');
    expect(i.segment).toBe(FS);
    expect(i.repeat).toBe(0xf3);
  });

  it('66 and 67 switch the other way round in 16-bit code, and twice is once', () => {
    expect(decodeHex('66 67 8b 00', 2)).toMatchObject({ operandSize: 4, addressSize: 4, length: 4 });
    expect(decodeHex('66 66 b8 01 02', 4)).toMatchObject({ operandSize: 2, length: 5 });
  });

  it.each([
    ['f0 01 03', 'add'],
    ['f0 01 c3', 'ud'],
    ['f0 03 03', 'ud'],
    ['f0 39 03', 'ud'],
    ['f0 87 03', 'xchg'],
    ['f0 91', 'ud'],
    ['f0 0f c7 0b', 'cmpxchg8b'],
    ['f0 0f ba 23 01', 'ud'],
    ['f0 0f ba 2b 01', 'bts'],
    ['f0 90', 'ud'],
    ['f0 0f 22 c0', 'ud'],
    ['66 0f ae 00', 'ud'],
  ])('%s is %s', (hex, operation) => {
    const i = decodeHex(hex);
    expect(i.row.operation).toBe(operation);
    if (operation === 'ud') expect([i.dst, i.src, i.third]).toEqual([NO_OPERAND, NO_OPERAND, NO_OPERAND]);
  });
});

describe('addresses', () => {
  it.each([
    ['8b 00', 2, EBX, ESI, 0, DS],
    ['8b 42 fe', 2, EBP, ESI, -2, SS],
    ['8b 46 00', 2, EBP, NO_REGISTER, 0, SS],
    ['8b 06 34 f2', 2, NO_REGISTER, NO_REGISTER, 0xf234, DS],
    ['8b 85 34 f2', 2, EDI, NO_REGISTER, -0xdcc, DS],
    ['64 8b 46 00', 2, EBP, NO_REGISTER, 0, FS],
    ['8b 45 80', 4, EBP, NO_REGISTER, -128, SS],
    ['8b 05 00 00 00 80', 4, NO_REGISTER, NO_REGISTER, -0x80000000, DS],
    ['8b 04 24', 4, ESP, NO_REGISTER, 0, SS],
    ['8b 04 65 04 00 00 00', 4, NO_REGISTER, NO_REGISTER, 4, DS],
    ['8b 04 2b', 4, EBX, EBP, 0, DS],
    ['8b 44 1d 00', 4, EBP, EBX, 0, SS],
    ['a0 04 03 02 01', 4, NO_REGISTER, NO_REGISTER, 0x1020304, DS],
    ['64 a3 04 03', 2, NO_REGISTER, NO_REGISTER, 0x304, FS],
  ] as const)('%s in %i-byte code', (hex, codeSize, base, index, displacement, segment) => {
    const i = decodeHex(hex, codeSize);
    const mask = codeSize === 2 ? 0xffff : -1;
    expect(i.memory).toEqual({ segment, base, index, scale: 0, displacement, mask });
  });

  it('scales the index', () => {
    expect(decodeHex('8b 04 cb').memory).toMatchObject({ base: EBX, index: 1, scale: 3 });
  });
});

describe('operands', () => {
  const immediate = (size: number, value: number) => ({ kind: KIND.immediate, size, register: 0, value });

  it.each([
    ['b0 ff', 4, immediate(1, 0xff)],
    ['83 c0 ff', 4, immediate(4, -1)],
    ['66 83 c0 ff', 4, immediate(2, 0xffff)],
    ['81 c0 ff ff ff ff', 4, immediate(4, -1)],
    ['66 81 c0 ff ff', 4, immediate(2, 0xffff)],
    ['d1 e0', 4, immediate(1, 1)],
    ['c0 e0 ff', 4, immediate(1, 0xff)],
    ['d3 e0', 4, { kind: KIND.r8, size: 1, register: 1, value: 0 }],
    ['8b c4', 4, { kind: KIND.r32, size: 4, register: 4, value: 0 }],
    ['8a c4', 4, { kind: KIND.r8, size: 1, register: 4, value: 0 }],
    ['8c d0', 2, { kind: KIND.segment, size: 2, register: SS, value: 0 }],
    ['0f b7 00', 4, { kind: KIND.m16, size: 2, register: 0, value: 0 }],
    ['c5 00', 4, { kind: KIND.memory, size: 6, register: 0, value: 0 }],
    ['c5 00', 2, { kind: KIND.memory, size: 4, register: 0, value: 0 }],
    ['dc c3', 4, { kind: KIND.st, size: 10, register: 0, value: 0 }],
    ['dc 03', 4, { kind: KIND.memory, size: 8, register: 0, value: 0 }],
    ['ed', 2, { kind: KIND.r16, size: 2, register: 2, value: 0 }],
  ] as const)('the source of %s in %i-byte code', (hex, codeSize, src) => {
    expect(decodeHex(hex, codeSize).src).toEqual(src);
  });

  it.each([
    ['6a 80', 4, immediate(4, -128)],
    ['66 6a 80', 4, immediate(2, 0xff80)],
    ['cd 80', 4, immediate(1, 0x80)],
    ['c2 08 80', 4, immediate(2, 0x8008)],
    ['eb fe', 4, { kind: KIND.relative, size: 4, register: 0, value: -2 }],
    ['e9 fd ff', 2, { kind: KIND.relative, size: 2, register: 0, value: -3 }],
    ['e8 00 00 00 80', 4, { kind: KIND.relative, size: 4, register: 0, value: -0x80000000 }],
    ['ea 05 00 00 f0', 2, { kind: KIND.farPointer, size: 4, register: 0xf000, value: 5 }],
    ['66 ea 05 00 00 80 08 00', 2, { kind: KIND.farPointer, size: 6, register: 8, value: -0x7ffffffb }],
    ['66 8c d8', 4, { kind: KIND.r16, size: 2, register: 0, value: 0 }],
    ['8c d8', 4, { kind: KIND.r32, size: 4, register: 0, value: 0 }],
    ['8c 18', 4, { kind: KIND.m16, size: 2, register: 0, value: 0 }],
    ['8e d8', 4, { kind: KIND.segment, size: 2, register: DS, value: 0 }],
    ['0f 22 18', 4, { kind: KIND.control, size: 4, register: 3, value: 0 }],
    ['0f 21 f8', 4, { kind: KIND.r32, size: 4, register: 0, value: 0 }],
    ['66 a5', 4, { kind: KIND.none, size: 2, register: 0, value: 0 }],
    ['6e', 4, { kind: KIND.none, size: 1, register: 0, value: 0 }],
    ['8d 00', 4, { kind: KIND.r32, size: 4, register: 0, value: 0 }],
    ['df e0', 4, { kind: KIND.r16, size: 2, register: 0, value: 0 }],
    ['dc c3', 4, { kind: KIND.st, size: 10, register: 3, value: 0 }],
    ['66 d9 30', 4, { kind: KIND.memory, size: 14, register: 0, value: 0 }],
  ] as const)('the destination of %s in %i-byte code', (hex, codeSize, dst) => {
    expect(decodeHex(hex, codeSize).dst).toEqual(dst);
  });

  it('has three', () => {
    const i = decodeHex('0f a4 d0 05');
    expect([i.dst.register, i.src.register, i.third.value]).toEqual([0, 2, 5]);
    expect(decodeHex('6b c3 f6').third).toEqual(immediate(4, -10));
    expect(decodeHex('c8 34 12 03')).toMatchObject({ dst: immediate(2, 0x1234), src: immediate(1, 3) });
  });

  it.each([
    ['75 00', 5],
    ['0f 8f 00 00 00 00', 15],
    ['0f 92 c0', 2],
    ['0f 44 c1', 4],
    ['da c0', 2],
    ['da c8', 4],
    ['da d1', 6],
    ['da d8', 10],
    ['db c0', 3],
    ['db c8', 5],
    ['db d0', 7],
    ['db d8', 11],
  ])('the condition of %s is %i', (hex, condition) => {
    expect(decodeHex(hex).condition).toBe(condition);
  });

  it('number formats of x87 memory operands are in the row', () => {
    const formats = ['d8 00', 'dc 00', 'db 28', 'de 00', 'db 00', 'df 28', 'df 20', 'dd 38'].map(
      hex => decodeHex(hex).row.format,
    );
    expect(formats).toEqual(['f32', 'f64', 'f80', 'i16', 'i32', 'i64', 'bcd', null]);
  });
});

describe('undefined forms', () => {
  it.each([
    ['LEA of a register', '8d c0'],
    ['LES of a register', 'c4 c0'],
    ['BOUND of a register', '62 c0'],
    ['far CALL through a register', 'ff d8'],
    ['MOV to CS', '8e c8'],
    ['MOV to segment register 6', '8e f0'],
    ['MOV from segment register 7', '8c f8'],
    ['MOV from CR1', '0f 20 c8'],
    ['MOV to CR5', '0f 22 e8'],
    ['MOV to a test register', '0f 26 c0'],
    ['LGDT of a register', '0f 01 d0'],
    ['SSSE3', '0f 38 00 c0'],
    ['SSE4.1', '66 0f 3a 0f c0 01'],
    ['POPCNT is no MMX', '0f b8 c0'],
    ['MMX after F3', 'f3 0f fc c0'],
    ['MOVNTPS of a register', '0f 2b c0'],
    ['MOVMSKPS of memory', '0f 50 00'],
    ['MONITOR', '0f 01 c8'],
    ['XSAVE', '0f ae 20'],
    ['SYSCALL', '0f 05'],
    ['PREFETCHW', '0f 0d 08'],
    ['POPCNT', 'f3 0f b8 c0'],
    ['CMPXCHG8B of a register', '0f c7 c8'],
  ])('%s', (_, hex) => {
    expect(decodeHex(hex).row.operation).toBe('ud');
  });
});

describe('rows', () => {
  const endsBlock = (hex: string) => decodeHex(hex).row.endsBlock;

  it.each([
    'eb 00',
    'cd 80',
    'f4',
    'fa',
    'fb',
    '9d',
    'cf',
    'ec',
    '6d',
    '17',
    '8e d0',
    '0f b2 00',
    '0f 22 c0',
    '0f 23 f8',
  ])('%s ends a block', hex => expect(endsBlock(hex)).toBe(true));
  it.each([
    '0f 01 f0',
    '0f 06',
    '0f 01 38',
    '0f 30',
    '0f 31',
    '0f 32',
    '0f 34',
    '0f 35',
    '0f 0b',
    '0f 04',
    'cc',
    'ce',
    'f1',
    'ff e0',
  ])('%s ends a block', hex => expect(endsBlock(hex)).toBe(true));
  it.each(['0f 20 88', '0f 20 28', '0f 22 4c', '0f 22 b8'])(
    'MOV CR of an undefined register ends with ModRM: %s',
    text => {
      const bytes = text.split(' ').map(byte => Number.parseInt(byte, 16));
      const source = { byte: (offset: number) => bytes[offset] ?? expect.fail('reads on') };
      expect(decode(source, 0, 4)).toMatchObject({ length: 3, row: { operation: 'ud' } });
    },
  );

  it.each(['f3 a5', '0f a2', '0f 01 10', '0f 01 18', '1f', '8e d8', '0f 20 c0', '9c', 'd8 00', '62 00'])(
    '%s does not end a block',
    hex => expect(endsBlock(hex)).toBe(false),
  );

  it('the sensitive instructions are those of Robin and Irvine, and IRET', () => {
    const yes =
      '0f 01 00|0f 01 08|0f 00 00|0f 00 08|0f 01 20|9c|9d|0f 02 00|0f 03 00|0f 00 20|0f 00 28|0e|16|8c c8|8c d0';
    const also = '07|17|1f|0f a1|0f a9|8e d8|9a 0 0|ea 0 0|ff 18|ff 28|cd 80|ca 0 0|cb|cf';
    const no = '06|1e|8c d8|fa|fb|0f 01 10|0f 00 10|0f 20 c0|e4 10|f4|cc|c3|e8 00|ff 10|50|58|0f a2';
    const isSensitive = (hex: string) => decodeHex(`${hex.replaceAll(/\b0\b/g, '00 00')} 00 00 00 00 00`).row.sensitive;
    expect([...yes.split('|'), ...also.split('|')].filter(hex => !isSensitive(hex))).toEqual([]);
    expect(no.split('|').filter(isSensitive)).toEqual([]);
  });

  it('checks and intercepts', () => {
    expect(decodeHex('0f 00 d0').row).toMatchObject({ checks: ['protected', 'cpl0'], intercept: 'descriptor' });
    expect(decodeHex('cd 80').row.checks).toEqual(['iopl86']);
    expect(decodeHex('9b').row).toMatchObject({ operation: 'fwait', checks: [] });
    expect(decodeHex('db e3').row.checks).toEqual(['fpuNoWait']);
    expect(decodeHex('d9 e8').row.checks).toEqual(['fpu']);
    expect(decodeHex('e4 60').row).toMatchObject({ checks: [], intercept: 'io' });
  });
});
