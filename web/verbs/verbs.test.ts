import { describe, expect, it, test } from 'vitest';
import type { Answer, Question } from '../../core/protocol/questions.ts';
import { commonStart, complete } from './complete.ts';
import { isRepeated, perform } from './perform.ts';
import { findVerb, nearestVerb, usageOf, VERB_NAMES, VERBS } from './table.ts';
import { hostFor, registers, view } from './testing.ts';
import { namesOf } from './verb.ts';
import { Refusal, simpleAddress, splitCondition, splitLine, tidy } from './words.ts';

const names = namesOf(hostFor([]));

/** What a line asks of the page, and what it says. */
async function say(line: string, answer?: (question: Question) => Answer) {
  const done: string[] = [];
  const { lines, refused } = await perform(line, hostFor(done, answer));
  return { done, lines, refused };
}

describe('words', () => {
  test.each([
    ['x/8xw $esp', { verb: 'x', format: '8xw', rest: '$esp' }],
    ['xp /8bx 1000', { verb: 'xp', format: '8bx', rest: '1000' }],
    ['  SI  5 ', { verb: 'si', format: '', rest: '5' }],
    ['?', { verb: '?', format: '', rest: '' }],
    ['? si', { verb: '?', format: '', rest: 'si' }],
    ['snapshot-create', { verb: 'snapshot-create', format: '', rest: '' }],
    ['set $eax = 1', { verb: 'set', format: '', rest: '$eax = 1' }],
    ['u/10', { verb: 'u', format: '10', rest: '' }],
    ['123 a', { verb: '123', format: '', rest: 'a' }],
  ])('%s', (line, parts) => expect(splitLine(line)).toEqual(parts));

  test('an empty line is none', () => expect(splitLine('  ')).toBeNull());

  test.each([
    ['$eax', 'eax'],
    ['%EAX', 'eax'],
    ['$pc + 4', 'eip + 0x4'],
    ['switch_space+0x1e', '0xc0100a10+0x1e'],
    ['c0100a1e', '0xc0100a1e'],
    ['00100000', '0x100000'],
    ['100000', '0x186a0'],
    ['10', '0xa'],
    ['0x10', '0x10'],
    ['1eh', '0x1e'],
    ['ah', 'ah'],
    ['eax % 4', 'eax % 0x4'],
    ['eax%4', 'eax%0x4'],
    ['[esp + 4] == 3 && zf', '[esp + 0x4] == 0x3 && zf'],
    ['byte(ticks)', 'byte(0xc0104000)'],
  ])('%s is %s to the worker', (typed, tidied) => expect(tidy(typed, names)).toBe(tidied));

  test.each(['', 'nosuch', '$nosuch', '99999999999', '12zz'])('%s is refused', typed => {
    expect(() => tidy(typed, names)).toThrow(Refusal);
  });

  test.each([
    ['esp', 0xc010efd0],
    ['esp-0x10+eax', 0xc010efca],
    ['eip', 0xc0100a1e],
    ['0x10', 0x10],
    ['esp*2', null],
    ['[esp]', null],
    ['cr3', null],
  ])('the address %s', (tidied, address) => expect(simpleAddress(tidied, names)).toBe(address));

  it('counts EIP from the base of CS', () => {
    const based = { ...registers, segments: registers.segments.map(segment => ({ ...segment, base: 0x1000 })) };
    expect(simpleAddress('eip', { ...names, registers: based })).toBe(0xc0101a1e);
  });

  test('conditions', () => {
    expect(splitCondition('main if eax == 1')).toEqual({ what: 'main', condition: 'eax == 1' });
    expect(splitCondition('if zf')).toEqual({ what: '', condition: 'zf' });
    expect(splitCondition('main')).toEqual({ what: 'main', condition: '' });
  });
});

describe('the grammar: what each line asks of the page', () => {
  test.each<readonly [string, readonly string[]]>([
    ['si', ['step into']],
    ['stepi 3', ['step into', 'step into', 'step into']],
    ['ni', ['step over']],
    ['nexti 2', ['step over', 'step over']],
    ['finish', ['step out']],
    ['stepm', ['step machine']],
    ['trap', ['step trap']],
    ['c', ['print Continuing.', 'run']],
    ['resume', ['print Continuing.', 'run']],
    ['tb main', ['print Running on to c0100000.', 'until {"kind":"execute","address":3222274048}']],
    ['rsi 2', ['back step', 'back step']],
    ['rc', ['print Back to the last stop at a breakpoint.', 'goTo 50']],
    ['reverse-trap', ['back trap']],
    ['reverse-write ticks', ['back write 3222290432']],
    ['goto 100', ['goTo 100']],
    ['last-write ticks', ['ask {"kind":"lastWrite","space":"linear","address":3222290432}']],
    ['b', ['break {"kind":"execute","address":3222276638} ']],
    ['b *0xc0100000', ['break {"kind":"execute","address":3222274048} ']],
    ['b switch_space if eax == 3', ['break {"kind":"execute","address":3222276624} eax == 0x3']],
    ['b [esp]', ['ask {"kind":"value","expression":"[esp]"}', 'break {"kind":"execute","address":32} ']],
    ['watch ticks', ['break {"kind":"write","address":3222290432,"length":4} ']],
    ['watch ticks 2 if ax > 1', ['break {"kind":"write","address":3222290432,"length":2} ax > 0x1']],
    ['rwatch $esp 1', ['break {"kind":"access","address":3222335440,"length":1} ']],
    ['vmexitbp', ['break {"kind":"exit","reason":null} ']],
    ['vmexitbp cpuid', ['break {"kind":"exit","reason":"cpuid"} ']],
    ['modebp', ['break {"kind":"ring","to":null} ']],
    ['ring 3', ['break {"kind":"ring","to":3} ']],
    ['catch interrupt #PF', ['break {"kind":"delivery","vector":14} ']],
    ['catch interrupt 32', ['break {"kind":"delivery","vector":32} ']],
    ['catch pagefault main', ['break {"kind":"pageFault","address":3222274048} ']],
    ['catch pagefault', ['break {"kind":"pageFault","address":null} ']],
    ['catch hypercall mmu_update', ['break {"kind":"hypercall","name":"mmu_update"} ']],
    ['catch cr3', ['break {"kind":"cr3"} ']],
    ['x/8xw $esp', ['ask {"kind":"memory","space":"linear","address":3222335440,"length":32}']],
    ['x ticks', ['ask {"kind":"memory","space":"linear","address":3222290432,"length":4}']],
    ['xp /8bx 00100000', ['ask {"kind":"memory","space":"physical","address":1048576,"length":8}']],
    ['x/4i main', ['ask {"kind":"code","address":3222274048,"count":4}']],
    ['u', ['ask {"kind":"code","address":3222276638,"count":8}']],
    ['u/3 main', ['ask {"kind":"code","address":3222274048,"count":3}']],
    ['p $eax + 1', ['ask {"kind":"value","expression":"eax + 0x1"}']],
    ['p *ticks', ['ask {"kind":"value","expression":"[0xc0104000]"}']],
    ['page $esp', ['ask {"kind":"walk","address":3222335440}']],
    ['info tlb', ['ask {"kind":"tlb"}']],
    ['info gdt', ['ask {"kind":"descriptors","table":"gdt","whose":"guest"}']],
    ['info idt machine', ['ask {"kind":"descriptors","table":"idt","whose":"machine"}']],
    ['info vmcs rip', ['ask {"kind":"vmcs"}']],
    ['set $eax = 1', ['ask {"kind":"value","expression":"0x1"}', 'register eax 20']],
    ['set var ebx=ecx', ['ask {"kind":"value","expression":"ecx"}', 'register ebx 20']],
    ['set zf = 0', ['ask {"kind":"value","expression":"0x0"}', 'register eflags 246']],
    ['snapshot-create', ['save']],
    ['reset', ['reset']],
    ['destroy', ['reset']],
    ['reboot', ['reset', 'run']],
    ['clear', ['clear']],
  ])('%s', async (line, requests) => {
    // Where the worker is asked for something else than a value, the answer here is none: what counts is the request.
    const { done } = await say(line, question =>
      question.kind === 'value' ? { kind: 'value', value: 0x20 } : { kind: 'none', message: 'not here' },
    );
    expect(done).toEqual(requests);
  });

  test('memory is written, lowest byte first, and read again', async () => {
    const answer = (question: Question): Answer =>
      question.kind === 'memory'
        ? { kind: 'memory', bytes: Int16Array.of(0x78, 0x56, 0x34, 0x12) }
        : { kind: 'value', value: 0x12345678 };
    const { done, lines } = await say('set *ticks = 0x12345678', answer);
    expect(done).toContain('memory linear c0104000 [120,86,52,18]');
    expect(lines).toEqual(['c0104000 <ticks>:  0x12345678']);
    expect((await say('setpmem 0x1000 1 0x90', answer)).done).toContain('memory physical 1000 [120]');
    expect((await say('set byte(ticks) = 1', answer)).done).toContain('memory linear c0104000 [120]');
  });

  test('breakpoints by their numbers', async () => {
    const done: string[] = [];
    const host = hostFor(done);
    await perform('b main', host);
    await perform('b switch_task', host);
    const [first, second] = host.breakpoints().map(({ id }) => id);
    expect((await perform('info b', host)).lines.map(line => line.replace(/^\d+ +/, ''))).toEqual([
      'break c0100000 <main>  met 0 times',
      'break c0100a40 <switch_task>  met 0 times',
    ]);
    await perform(`disable ${first}`, host);
    await perform(`ignore ${second} 5`, host);
    await perform(`condition ${second} eax == 1`, host);
    const { lines } = await perform('info breakpoints', host);
    expect(lines[0]).toContain('disabled');
    expect(lines[1]).toContain('if eax == 0x1');
    expect(lines[1]).toContain('ignores 5');
    expect((await perform('delete 9999', host)).refused).toBe(true);
    await perform(`delete ${first}`, host);
    expect(host.breakpoints().map(({ id }) => id)).toEqual([second]);
    await perform('delete', host);
    expect((await perform('info b', host)).lines).toEqual(['No breakpoint is set.']);
  });

  test.each([
    'si x',
    'si 0',
    'nosuch',
    'x',
    'x/5000xw 0',
    'x/8qq 0',
    'xp/i 0',
    'goto now',
    'ring 4',
    'catch rain',
    'catch interrupt 256',
    'delete 9999',
    'info rain',
    'info gdt his',
    'set 5',
    'set $cr3 = 1',
    'mode fast',
    'help nosuch',
    'setmem ticks 3 0',
    'finish 3',
  ])('%s is refused with one sentence, and changes nothing', async line => {
    const { done, lines, refused } = await say(line);
    expect(refused).toBe(true);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\S.*\.$|\?$/);
    expect(done.filter(request => !request.startsWith('ask'))).toEqual([]);
  });

  test('a running machine is not stepped', async () => {
    const done: string[] = [];
    const { refused } = await perform('si', hostFor(done, undefined, { ...view, running: true }));
    expect([refused, done]).toEqual([true, []]);
  });

  test('nothing can be looked at without a guest', async () => {
    for (const line of ['si', 'registers', 'creg', 'mode', 'reset', 'dominfo']) {
      expect((await perform(line, hostFor([], undefined, null))).refused, line).toBe(true);
    }
  });
});

describe('what is said', () => {
  const bytes = (list: readonly number[]) => (): Answer => ({ kind: 'memory', bytes: Int16Array.from(list) });

  test('where the machine stands', async () => {
    expect((await say('si')).lines).toEqual(['=> c0100a1e <switch_space+0xe>:  mov cr3,eax']);
  });

  test('where it stands is asked for when the view does not say', async () => {
    const row = { address: 0xc0100a1e, bytes: Uint8Array.of(0x90), text: 'nop', symbol: null, class: 'plain' } as const;
    const done: string[] = [];
    const host = hostFor(done, () => ({ kind: 'code', rows: [row] }), { ...view, code: null });
    expect((await perform('si', host)).lines).toEqual(['=> c0100a1e:  nop']);
    expect(done).toEqual(['step into', 'ask {"kind":"code","address":3222276638,"count":1}']);
  });

  test('which step of the past it is', async () => {
    expect((await say('rsi')).lines).toEqual(['Step 1234.', '=> c0100a1e <switch_space+0xe>:  mov cr3,eax']);
  });

  test('what stopped it', async () => {
    const hit = { id: 1, before: 1, after: 2, reason: null, by: 0xc0100010 } as const;
    const stopped = {
      ...view,
      stop: {
        kind: 'breakpoint',
        address: 0xc0100a1e,
        hit: { ...hit, on: { kind: 'write', address: 0xc0104000, length: 4 } },
      },
    } as const;
    const { lines } = await perform('info program', hostFor([], undefined, stopped));
    expect(lines).toEqual([
      'Stopped by watch c0104000 4.',
      '00000001 → 00000002, by the instruction at c0100010.',
      '=> c0100a1e <switch_space+0xe>:  mov cr3,eax',
    ]);
  });

  test('memory in every form', async () => {
    const list = [0xfe, 0xff, 0xff, 0xff, 0x41, 0, -1, -1];
    expect((await say('x/2xw 0x1000', bytes(list))).lines).toEqual(['00001000:  0xfffffffe  ??????????']);
    expect((await say('x/2dh 0x1000', bytes(list))).lines).toEqual(['00001000:  -2  -1']);
    expect((await say('x/2ub 0x1000', bytes(list))).lines).toEqual(['00001000:  254  255']);
    expect((await say('x/tb 0x1000', bytes(list))).lines).toEqual(['00001000:  11111110']);
    expect((await say('x/ob 0x1000', bytes(list))).lines).toEqual(['00001000:  0376']);
    expect((await say('x/c 0x1004', bytes([0x41]))).lines).toEqual(["00001004:  65 'A'"]);
    expect((await say('x/s 0x1004', bytes([0x61, 0x22, 10, 0, 0]))).lines).toEqual(['00001004:  "a\\"\\n"']);
    expect((await say('x/a 0x1000', bytes([0x1e, 0x0a, 0x10, 0xc0]))).lines).toEqual([
      '00001000:  0xc0100a1e <switch_space+0xe>',
    ]);
  });

  test('rows of a dump stand below each other', async () => {
    const { lines } = await say('x/8xw switch_space', bytes(Array.from({ length: 32 }, () => 1)));
    expect(lines).toEqual([
      'c0100a10 <switch_space>:       0x01010101  0x01010101  0x01010101  0x01010101',
      'c0100a20 <switch_space+0x10>:  0x01010101  0x01010101  0x01010101  0x01010101',
    ]);
  });

  test('values', async () => {
    const value = (n: number) => (): Answer => ({ kind: 'value', value: n });
    expect((await say('p 1', value(0xc0100000))).lines).toEqual(['= 0xc0100000  3222274048  -1072693248 <main>']);
    expect((await say('p/d 1', value(0xffffffff))).lines).toEqual(['= -1']);
    expect((await say('p/t 1', value(5))).lines).toEqual([`= ${'101'.padStart(32, '0')}`]);
    expect((await say('p 1', () => ({ kind: 'none', message: 'There is no memory.' }))).lines).toEqual([
      'There is no memory.',
    ]);
  });

  test('registers, with the machine’s where it holds others', async () => {
    const machine = { ...registers, cr3: 0x2bc7000, eip: 0xffc22d20 };
    const under = { ...view, monitor: { ...view.monitor, machine } };
    const host = hostFor([], undefined, under);
    expect((await perform('r', host)).lines).toContain('eip  c0100a1e <switch_space+0xe>  (machine: ffc22d20)');
    expect((await perform('r', host)).lines).toContain('efl  00000246  [ IF ZF PF IOPL=0 ]');
    expect((await perform('creg', host)).lines).toContain('cr3  00104000  [ ]  (machine: 02bc7000)');
    expect((await perform('creg', host)).lines[0]).toBe('cr0  80010011  [ PE ET WP PG ]');
    expect((await perform('sreg', host)).lines[2]).toBe('CS    0008  00000000  ffffffff  code 32 execute/read');
  });

  test('descriptors, fields and the TLB', async () => {
    const idt = await say('info idt', () => ({
      kind: 'descriptors',
      base: 0xc0105040,
      limit: 0x7ff,
      entries: [
        {
          index: 14,
          low: 0,
          high: 0,
          segment: null,
          gate: { selector: 8, offset: 0xc0100a40 },
          dpl: 0,
          present: true,
          description: 'interrupt gate 32',
        },
      ],
    }));
    expect(idt.lines[1]).toBe('0e    DPL 0  P  interrupt gate 32  0008:c0100a40 <switch_task>');
    const fields = await say('info vmcs reason', () => ({
      kind: 'vmcs',
      fields: [
        { name: 'Exit reason', encoding: 0x4402, area: 'exit information', high: 0, low: 30, bits: 32, meaning: 'I/O' },
        { name: 'Guest RIP', encoding: 0x681e, area: 'guest state', high: 0, low: 0, bits: 32, meaning: '' },
      ],
    }));
    expect(fields.lines).toEqual(['VM-exit information', '  4402  Exit reason  0000001e          I/O']);
    const tlb = await say('info tlb', () => ({
      kind: 'tlb',
      runs: [
        {
          linear: 0xc0100000,
          physical: 0x100000,
          pages: 2,
          user: false,
          read: true,
          write: false,
          execute: true,
          global: true,
        },
      ],
      dropped: 3,
    }));
    expect(tlb.lines).toEqual(['c0100000-c0101fff → 00100000      2 × 4 KB  r-x  supervisor global', '… and 3 more.']);
  });

  test('debug registers', async () => {
    const values: Readonly<Record<string, number>> = {
      dr0: 0xc0100000,
      dr1: 0xc0104000,
      dr6: 0xffff4ff2,
      dr7: 0x00d0040a,
    };
    const { lines } = await say('dreg', question => ({
      kind: 'value',
      value: question.kind === 'value' ? (values[question.expression] ?? 0) : 0,
    }));
    expect(lines).toEqual([
      'dr0  c0100000 <main>  execute',
      'dr1  c0104000 <ticks>  write 4',
      'dr2  00000000',
      'dr3  00000000',
      'dr6  ffff4ff2  [ B1 BS ]',
      'dr7  00d0040a  [ G0 G1 ]',
    ]);
  });

  test('the last write', async () => {
    const { lines } = await say('lw ticks', () => ({ kind: 'lastWrite', step: 77, row: null, before: 1, after: 2 }));
    expect(lines[0]).toBe('c0104000 changed from 00000001 to 00000002 at step 77; goto 77 goes there.');
  });
});

describe('help', () => {
  it('lists every verb, and tells of each', async () => {
    const all = (await say('help')).lines.join('\n');
    for (const name of VERB_NAMES) {
      expect(all).toContain(`  ${name}`);
      const { lines, refused } = await say(`help ${name}`);
      expect(refused).toBe(false);
      expect(lines[0]).toBe(usageOf(name));
    }
  });

  it('shows examples that are understood', async () => {
    for (const name of VERB_NAMES) {
      for (const example of VERBS[name].examples) {
        const { lines, refused } = await say(example, question =>
          question.kind === 'value' ? { kind: 'value', value: 1 } : { kind: 'none', message: 'not here' },
        );
        expect(refused && lines[0] !== 'not here' ? `${example}: ${lines[0]}` : '').toBe('');
      }
    }
  });

  it('finds a verb by any of its words, which belong to one verb only', () => {
    const words = VERB_NAMES.flatMap(name => [name, ...VERBS[name].aliases]);
    expect(new Set(words).size).toBe(words.length);
    for (const name of VERB_NAMES) for (const word of [name, ...VERBS[name].aliases]) expect(findVerb(word)).toBe(name);
    expect(findVerb('snap')).toBe('snapshot-create');
    expect(findVerb('re')).toBeNull();
  });

  test.each([
    ['stpei', 'stepi'],
    ['contine', 'continue'],
    ['vmexit', 'vmexitbp'],
    ['xq', 'x'],
    ['dominof', 'dominfo'],
    ['zzzzz', null],
  ])('%s is near to %s', (word, near) => {
    if (near === null) expect(nearestVerb(word)).toBeNull();
    else expect(findVerb(nearestVerb(word) ?? '')).toBe(findVerb(near));
  });

  it('suggests the nearest in one sentence', async () => {
    expect((await say('contniue')).lines).toEqual(['“contniue” is no verb. Did you mean continue?']);
    expect((await say('frobnicate')).lines).toEqual(['“frobnicate” is no verb; help lists them.']);
  });
});

describe('completion', () => {
  test.each<readonly [string, string, readonly string[]]>([
    ['ste', '', ['stepi', 'stepm']],
    ['rev', '', ['reverse-stepi', 'reverse-continue', 'reverse-trap', 'reverse-write']],
    ['b swi', 'b ', ['switch_space', 'switch_task']],
    ['x/8xw $es', 'x/8xw ', ['$esp', '$esi']],
    ['p esp+ti', 'p esp+', ['ticks']],
    ['mode n', 'mode ', ['nested']],
    ['info vm', 'info ', ['vmcs']],
    ['info symbols swi', 'info symbols ', ['switch_space', 'switch_task']],
    ['help snap', 'help ', ['snapshot-create']],
    ['catch p', 'catch ', ['pagefault']],
    ['mode nested t', 'mode nested ', []],
    ['nosuch x', 'nosuch x', []],
    ['si e', 'si e', []],
  ])('%s', (typed, before, candidates) => {
    const completion = complete(typed, names);
    expect(completion.before).toBe(before);
    expect([...completion.candidates].sort()).toEqual([...candidates].sort());
  });

  test('what they have in common', () => {
    expect(commonStart(['switch_space', 'switch_task'])).toBe('switch_');
    expect(commonStart(['a'])).toBe('a');
    expect(commonStart([])).toBe('');
  });
});

test('an empty line repeats what one goes on with', () => {
  expect(['si', 'rsi 3', 'c', 'b main', 'x 0', 'nosuch'].map(isRepeated)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
