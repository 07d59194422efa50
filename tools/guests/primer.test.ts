/** The built images of primer: do they belong to their sources, and does QEMU's PC run them? */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { SymbolFile } from '../../core/guests/boot.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const elf = readFileSync(path('public/guests/primer.elf'));
const symbolsOf = (name: string): SymbolFile => JSON.parse(readFileSync(path(`public/guests/${name}.json`), 'utf8'));
const symbolFile = symbolsOf('primer');
const paraSymbolFile = symbolsOf('primer-para');

const answers = (command: string, ...args: string[]): string => {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout : '';
};
/** The compiler and the assembler that made the committed bytes; others may make other ones. */
const sameTools =
  answers('gcc', '-dumpfullversion').startsWith('12.2.0') && answers('nasm', '-v').includes('version 2.16.01');
const hasQemu = answers('qemu-system-i386', '--version') !== '';

/** The bytes that the ELF file loads at a linear address, by its program headers. */
function bytesAt(address: number, size: number): Buffer {
  const table = elf.readUInt32LE(28);
  for (let i = 0; i < elf.readUInt16LE(44); i++) {
    const header = table + i * elf.readUInt16LE(42);
    const offset = address - elf.readUInt32LE(header + 8);
    if (elf.readUInt32LE(header) === 1 && offset >= 0 && offset < elf.readUInt32LE(header + 16)) {
      return elf.subarray(elf.readUInt32LE(header + 4) + offset).subarray(0, size);
    }
  }
  throw new Error(`nothing is loaded at ${address.toString(16)}`);
}

/** The machine code of the only line of a source file that contains a text. */
function codeOf(file: string, text: string): string {
  const index = symbolFile.files.findIndex(f => f.name === file);
  const line = symbolFile.files[index].text.split('\n').findIndex(l => l.includes(text)) + 1;
  const row = symbolFile.lines.findIndex(l => l[1] === index && l[2] === line);
  const [start] = symbolFile.lines[row];
  return bytesAt(start, symbolFile.lines[row + 1][0] - start).toString('hex');
}

describe('the symbol file', () => {
  test.each([symbolFile, paraSymbolFile])('is sorted, and its line numbers exist', ({ symbols, files, lines }) => {
    const sorted = (numbers: number[]) => expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    sorted(symbols.map(s => s.address));
    sorted(lines.map(l => l[0]));
    for (const [, file, line] of lines) {
      expect(files[file].text.split('\n').length).toBeGreaterThanOrEqual(line);
    }
  });

  test('shows an instruction beside the line that asks for it', () => {
    expect(codeOf('kernel/space.c', 'write_cr3(space->root); /* a new')).toContain('0f22d8'); // mov cr3, eax
    expect(codeOf('kernel/attempt.asm', 'add eax, 256')).toBe('0500010000');
  });

  test('names every function of kernel and programs once for an address', () => {
    const named = (name: string) => symbolFile.symbols.filter(s => s.name === name && s.kind === 'function');
    expect(named('switch_space')).toHaveLength(1);
    expect(named('switch_space')[0].address).toBeGreaterThan(0xc0100000);
    expect(named('run_ps')[0].address).toBeLessThan(0x800000);
    for (const { size } of symbolFile.symbols.filter(s => s.kind === 'function')) expect(size).toBeGreaterThan(0);
  });
});

describe('primer-para', () => {
  test('has the shared sources and its own, not those of the native kernel', () => {
    const names = paraSymbolFile.files.map(file => file.name);
    expect(names.filter(name => name.startsWith('native/'))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['kernel/space.c', 'para/tables.c', 'user/shell.c']));
    expect(symbolFile.files.filter(file => file.name.startsWith('para/'))).toEqual([]);
  });

  test.skipIf(answers('objdump', '--version') === '')(
    'asks for what it may not do itself, but for IN in a benchmark',
    () => {
      const privileged =
        /\t(cli|sti|hlt|clts|in|out|invlpg|lgdt|lidt|lldt|ltr|lmsw|rdmsr|wrmsr|mov +[cd]r|mov +\w+,[cd]r)\b/;
      const found = (name: string) => {
        const text = answers('objdump', '-d', '-M', 'intel', '-j', '.text', path(`public/guests/${name}.elf`));
        return text.split('\n').flatMap(row => privileged.exec(row)?.[1] ?? []);
      };
      expect(found('primer-para')).toEqual(['in']);
      expect(found('primer').length).toBeGreaterThan(40);
    },
  );
});

test.skipIf(!sameTools)(
  'the committed images are what their sources make',
  () => {
    const output = execFileSync('bash', [path('tools/guests/build.sh'), '--check'], { encoding: 'utf8' });
    expect(output).toContain('public/guests is what its sources make.');
  },
  60_000,
);

describe.skipIf(!hasQemu)('on QEMU', () => {
  let qemu: ChildProcess | undefined;
  afterEach(() => {
    qemu?.kill('SIGKILL');
  });

  /** Starts the kernel; the function it returns types a line and answers what comes before the next prompt. */
  async function start(cpu: string): Promise<(line: string) => Promise<string>> {
    const options = ['-m', '32', '-display', 'none', '-monitor', 'none', '-serial', 'stdio', '-no-reboot', '-cpu', cpu];
    const child = spawn('qemu-system-i386', ['-kernel', path('public/guests/primer.elf'), ...options]);
    qemu = child;
    let text = '';
    let notice: () => void = () => {};
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString('latin1').replaceAll('\r', '');
      notice();
    });
    const ended = new Promise<void>(resolve => {
      child.on('close', resolve);
    });
    const prompt = async (): Promise<string> => {
      while (!text.includes('primer$ ') && child.exitCode === null) {
        await Promise.race([
          new Promise<void>(resolve => {
            notice = resolve;
          }),
          ended,
        ]);
      }
      const answer = text;
      text = '';
      return answer;
    };
    expect(await prompt()).toBe('primer 1.0, native kernel, 32 MB\npaging on, 2 processes, timer 100 Hz\nprimer$ ');
    return line => {
      child.stdin.write(`${line}\r`);
      return prompt();
    };
  }

  test.each(['pentium3', 'qemu32,-nx', 'max'])(
    'every command works on a %s',
    async cpu => {
      const type = await start(cpu);
      expect(await type('help')).toMatch(
        /^help\nhelp .*\nps .*\nmem .*\nfault .*\nsensitive .*\nfork .*\nbench .*\nreboot /,
      );
      expect(await type('ps')).toMatch(/\n {2}1 {2}running {2}3 .* shell\n {2}2 {2}\w+ +3 .* counter\nprimer\$ $/);
      expect(await type('mem')).toContain(cpu === 'max' ? 'r-- ring 3' : 'r-x ring 3');
      const fault = await type('fault');
      expect(fault).toContain('exception 14, page fault at c0101000');
      expect(fault).toContain('error code 00000005: read from ring 3, the page is present but not permitted');
      expect(fault).toContain('the kernel and the shell live');
      const sensitive = await type('sensitive');
      expect(sensitive.match(/as in ring 0$/gm)).toHaveLength(21);
      expect(sensitive).toContain('20 of 20 as in ring 0');
      // The children take turns as the timer will: only the order of the lines may differ.
      expect((await type('fork')).split('\n').sort()).toEqual([
        ...['I am process 4', 'I am process 5', 'I am process 6', 'fork', 'primer$ '],
        ...[4, 5, 6].map(pid => `process ${pid} has ended with status ${pid - 4}`),
      ]);
      expect(await type('nosuch')).toContain('nosuch: no such command, try help');
      expect(await type('px\x7fs')).toContain('PID  STATE');
      expect((await type('bench')).match(/ [1-9]\d*$/gm)).toHaveLength(8);
      await type('reboot');
      expect(qemu?.exitCode).toBe(0);
    },
    30_000,
  );

  test('a processor without PAE is refused with a sentence', async () => {
    const child = spawn('qemu-system-i386', [
      ...['-kernel', path('public/guests/primer.elf'), '-cpu', 'pentium'],
      ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
    ]);
    qemu = child;
    const text = await new Promise<string>(resolve => {
      let all = '';
      child.stdout.on('data', (data: Buffer) => {
        all += data.toString('latin1');
        if (all.includes('\n')) resolve(all);
      });
    });
    expect(text).toContain('primer needs a processor with PAE');
  });
});
