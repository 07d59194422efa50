/**
 * Debian's kernels, booted through the command line to their shell, where commands are typed and their answers checked. Takes some
 * minutes; needs `npm run images` first. Run by `npm run test:linux`: one boot of each kernel, the one with the APICs, the other told to leave
 * them alone, both at a time where there are two processors. `-- --all`: each kernel both ways. Other words behind `--` are
 * one boot: which kernel, unless it is linux-686, and what goes to the command line: `-- linux-686-pae --mode hardware`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { gunzipSync } from 'node:zlib';

const INITRD = 'images/initrd-686.cpio.gz';
/** Floating point through the x87, as awk and the C library's printf use it. */
const AWK = `awk 'BEGIN { printf "%.12g %.12g %.12g %.12g\\n", 1 / 3, 2.5 * 7.25, 1e22 / 7, 0.1 + 0.2 }'`;
const FLOATS = [1 / 3, 2.5 * 7.25, 1e22 / 7, 0.1 + 0.2].map(x => String(Number(x.toPrecision(12)))).join(' ');
const COMMANDS = [
  'uname -a',
  'cat /proc/cpuinfo',
  'ls -l /',
  'sha256sum /bin/busybox',
  AWK,
  'cat /proc/interrupts',
  'dmesg',
  'echo all-$((6*7))-done',
];
const END = 'all-42-done';
const TIMEOUT_SECONDS = 900;
const MEMORY_MIB = 256;
/** What a machine may take beside its guest's RAM and an empty Node: TLB, decoded code, the images. */
const OVERHEAD_MIB = 128;

/** Memory of a Node that does nothing, in MiB. */
function emptyNode(): number {
  const script = 'process.stdout.write(String(process.resourceUsage().maxRSS / 1024))';
  return Number(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout);
}

/** An escape sequence that sets a colour. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** Lines of the kernel that would be a complaint about the processor, the interrupt controllers or the firmware's tables. */
const COMPLAINTS = [
  /unknown cpu|unsupported cpu|unrecognized cpu|CPU.*(erratum|bug)|FPU.*(bug|error|not found)|processor.*(bug|broken)/i,
  /\bBUG\b|Oops|general protection|invalid opcode|divide error|Kernel panic|Call Trace|WARNING:/,
  /tsc:.*(unstable|fail)|clocksource.*unstable|vendor_id.*unknown/i,
  /ACPI.*(error|warning|exception)|firmware bug|not listed by the BIOS|APIC error|spurious.*interrupt|MP-BIOS bug/i,
  /nobody cared|No IRQ known|(APIC|MPTABLE|IRQ|timer).*(fail|bug|broken|doesn't work|not found)/i,
];

/** The bytes of a file in a newc cpio archive. */
function fileInCpio(archive: Buffer, wanted: string): Buffer {
  let at = 0;
  for (;;) {
    const field = (n: number) => Number.parseInt(archive.toString('latin1', at + 6 + 8 * n, at + 14 + 8 * n), 16);
    const size = field(6);
    const nameSize = field(11);
    const name = archive.toString('latin1', at + 110, at + 110 + nameSize - 1);
    const data = (at + 110 + nameSize + 3) & ~3;
    if (name === 'TRAILER!!!') throw new Error(`${wanted} is not in the initramfs.`);
    if (name.replace(/^\.?\//, '') === wanted) return archive.subarray(data, data + size);
    at = (data + size + 3) & ~3;
  }
}

for (const file of [INITRD, 'images/vmlinuz-686', 'images/vmlinuz-686-pae']) {
  if (existsSync(file)) continue;
  console.error(`There is no ${file}: run npm run images -- --pae first.`);
  process.exit(2);
}

const input = `${COMMANDS.map(command => command.replaceAll('\\', '\\\\')).join('\\n')}\\n`;
const OLD_CONTROLLERS = ['--append', 'console=ttyS0 cryptomgr.notests noisapnp noapic nolapic'];

/** One boot: which kernel, and what more the command line is told. */
interface Boot {
  readonly image: 'linux-686' | 'linux-686-pae';
  readonly words: readonly string[];
}
const EACH_KERNEL: readonly Boot[] = [
  { image: 'linux-686', words: [] },
  { image: 'linux-686-pae', words: OLD_CONTROLLERS },
];
const ALL: readonly Boot[] = [
  ...EACH_KERNEL,
  { image: 'linux-686', words: OLD_CONTROLLERS },
  { image: 'linux-686-pae', words: [] },
];

/** The boots that the words behind `--` ask for. */
function bootsOf(words: readonly string[]): readonly Boot[] {
  const [first, ...rest] = words;
  if (first === undefined) return EACH_KERNEL;
  if (first === '--all') return ALL;
  if (first === 'linux-686' || first === 'linux-686-pae') return [{ image: first, words: rest }];
  return [{ image: 'linux-686', words }];
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds the command line once; each boot is a process of its own. */
function prepare(): void {
  const built = spawnSync('npx', ['vite', 'build', '-c', 'tools/cli.config.ts'], { stdio: 'ignore' });
  if (built.status !== 0) throw new Error('The command line cannot be built.');
}

function run({ image, words }: Boot): Promise<Ran> {
  const options = ['--memory', String(MEMORY_MIB), '--until', END, '--input-after', '/ #', '--input', input];
  const limits = ['--timeout', String(TIMEOUT_SECONDS), '--stats', 'json'];
  const node = ['--max-semi-space-size=4', '--heap-growing-percent=20', 'node_modules/.cache/ringside/cli.js'];
  const child = spawn(process.execPath, [...node, 'run', image, ...options, ...limits, ...words]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += String(text);
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += String(text);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', status => resolve({ status, stdout, stderr }));
  });
}

/** Checks a boot and prints what came of it; returns whether all is well. */
function judge({ image, words }: Boot, { status, stdout, stderr }: Ran): boolean {
  const isPae = image === 'linux-686-pae';
  /** Whether the kernel was told to leave the APICs alone. */
  const isOld = words.some(word => word.includes('nolapic'));
  /** What the console showed, without carriage returns and without the colours of ls. */
  const output = stdout.replaceAll('\r', '').replace(COLOUR, '');
  /** The last line is the figures of --stats. */
  const lastLine = output.trimEnd().split('\n').at(-1) ?? '';
  const peak = Number(/"peakMemoryMib":(\d+)/.exec(lastLine)?.[1] ?? Number.NaN);
  const overhead = Math.round(peak - MEMORY_MIB - emptyNode());
  const complaints = output
    .split('\n')
    .filter(line => /^\[ *\d+\.\d+\]/.test(line) && COMPLAINTS.some(pattern => pattern.test(line)));
  const checks: readonly (readonly [string, boolean])[] = [
    ['exits with 0', status === 0],
    ['uname names the kernel', new RegExp(`Linux \\S+ 6\\.1\\.\\S+-${image.slice(6)} .* i686 GNU/Linux`).test(output)],
    ['cpuinfo names the processor', /model name\s*: Ringside IA-32 processor/.test(output)],
    ['cpuinfo has fpu, tsc, cx8, pae and cmov', /flags\s*:.* fpu .*tsc .*pae .*cx8 .*cmov/.test(output)],
    ['ls lists the root', /dr\S+ .* proc\n/.test(output) && /drwx\S+ .* bin\n/.test(output)],
    ['sha256sum of busybox is right', output.includes(`${busybox}  /bin/busybox`)],
    [
      'the timers come through the interrupt controllers that they should',
      isOld
        ? /^ *0: +[1-9]\d* +XT-PIC +timer/m.test(output) && /^LOC: +0 /m.test(output)
        : /^ *0: +[1-9]\d* +IO-APIC +2-edge +timer/m.test(output) && /^LOC: +[1-9]/m.test(output),
    ],
    ['no interrupt was spurious or in error', /^SPU: +0 /m.test(output) && /^ERR: +0$/m.test(output)],
    ['the x87 computes what mathematics says', output.includes(FLOATS)],
    ...(isPae
      ? ([['pages that are not for execution', /NX \(Execute Disable\) protection: active/.test(output)]] as const)
      : []),
    [`memory: ${peak} MiB, ${overhead} of them beside RAM and Node, of ${OVERHEAD_MIB}`, overhead <= OVERHEAD_MIB],
    ['dmesg has no complaint about processor, interrupt controllers and firmware', complaints.length === 0],
  ];
  console.log([image, ...words].join(' '));
  for (const [name, holds] of checks) console.log(`${holds ? 'ok    ' : 'FAILED'} ${name}`);
  for (const line of complaints) console.log(`       ${line}`);
  const isWell = checks.every(([, holds]) => holds);
  if (!isWell) console.log(output.slice(-6000), stderr);
  console.log(lastLine);
  return isWell;
}

const busybox = createHash('sha256')
  .update(fileInCpio(gunzipSync(readFileSync(INITRD)), 'bin/busybox'))
  .digest('hex');
const given = process.argv.slice(2);
prepare();
const waiting = [...bootsOf(given)];
let isWell = true;
/** Takes one boot after the other. */
async function work(): Promise<void> {
  for (let boot = waiting.shift(); boot !== undefined; boot = waiting.shift()) {
    const ran = await run(boot);
    isWell = judge(boot, ran) && isWell;
  }
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), waiting.length) }, work));
process.exitCode = isWell ? 0 : 1;
