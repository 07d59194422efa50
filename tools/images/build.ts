/**
 * Makes the Linux images that the page and the command line offer: Debian 12's i386 kernel and a BusyBox initramfs, both from
 * Debian's own packages, into the folder images/, which is never committed.
 *
 *     npx tsx tools/images/build.ts [--pae] [--booted] [--force]
 *
 * --pae also makes the kernel that uses physical address extension, and --booted snapshots of each at its shell; both are kept from then on. --force
 * makes everything anew. Exit code 0: the images are there; 1: they cannot be made, with one sentence that says why; 2: bad arguments.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Apt, BuildError, openApt, requireCommand, unpackDeb } from './apt.ts';
import { bootToShell } from './booted.ts';
import { buildInitramfs } from './initramfs.ts';

const IMAGES = fileURLToPath(new URL('../../images/', import.meta.url));
const INITRD = 'initrd-686.cpio.gz';
const LIST = 'images.json';
/**
 * The serial line is the console. Not wanted here: the self-tests of the kernel's cryptography, which are most of the
 * instructions between the kernel's start and the shell (4 G of 7 G), and the search for ISA Plug and Play cards.
 */
const MEMORY_MIB = 256;
const COMMAND_LINE = 'console=ttyS0 cryptomgr.notests noisapnp';
/** What the last run made and from what: the sources of this tool and the bytes of each file, as SHA-256. */
const STAMP = '.stamp.json';

/** An entry of images/images.json. File names are relative to the folder images/. */
interface Image {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly memoryMib: number;
  /** Of kernel and initrd together. */
  readonly bytes: number;
  /** A snapshot of it at its shell, or null. */
  readonly booted: string | null;
}

const FLAVOURS = {
  '686': { package: 'linux-image-686', kernel: 'vmlinuz-686', paging: 'two-level page tables' },
  '686-pae': { package: 'linux-image-686-pae', kernel: 'vmlinuz-686-pae', paging: 'three-level page tables (PAE)' },
} as const;
type Flavour = keyof typeof FLAVOURS;

const bootedName = (flavour: Flavour): string => `linux-${flavour}.ringside`;

interface Stamp {
  readonly recipe: string;
  readonly files: Readonly<Record<string, string>>;
}

function main(parameters: readonly string[]): number {
  const unknown = parameters.find(parameter => !['--pae', '--booted', '--force'].includes(parameter));
  if (unknown !== undefined) {
    console.error(`Unknown argument ${unknown}: this takes --pae, --booted and --force.`);
    return 2;
  }
  // What an earlier run made stays in the list.
  const withBooted = parameters.includes('--booted') || existsSync(join(IMAGES, bootedName('686')));
  const withPae = parameters.includes('--pae') || existsSync(join(IMAGES, FLAVOURS['686-pae'].kernel));
  const flavours: readonly Flavour[] = withPae ? ['686', '686-pae'] : ['686'];
  try {
    if (!parameters.includes('--force') && isDone(flavours, withBooted)) {
      console.log(`${IMAGES} is up to date.`);
    } else {
      build(flavours, withBooted);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    return 1;
  }
}

function build(flavours: readonly Flavour[], withBooted: boolean): void {
  for (const command of ['apt-get', 'apt-cache', 'dpkg-deb']) requireCommand(command);
  const scratch = mkdtempSync(join(tmpdir(), 'ringside-images-'));
  try {
    console.log('Reading the package sources ...');
    const apt = openApt(join(scratch, 'apt'));
    const kernels = flavours.map(flavour => {
      console.log(`Downloading the kernel, flavour ${flavour} ...`);
      return { flavour, ...fetchKernel(apt, FLAVOURS[flavour].package, join(scratch, flavour)) };
    });
    console.log('Downloading BusyBox ...');
    unpackDeb(apt.download('busybox-static'), join(scratch, 'busybox'));
    const initrd = buildInitramfs(readFileSync(join(scratch, 'busybox/bin/busybox')));

    mkdirSync(IMAGES, { recursive: true });
    rmSync(join(IMAGES, STAMP), { force: true });
    put(INITRD, initrd);
    for (const { flavour, bytes } of kernels) put(FLAVOURS[flavour].kernel, bytes);
    const list = kernels.map(({ flavour, release, bytes }) => {
      return imageOf(flavour, release, bytes.length + initrd.length, withBooted);
    });
    if (withBooted) {
      for (const { flavour, release, bytes } of kernels) {
        console.log(`Booting flavour ${flavour} ...`);
        const [name, commandLine, memoryMib] = [nameOf(release), COMMAND_LINE, MEMORY_MIB];
        put(bootedName(flavour), bootToShell({ name, kernel: bytes, initrd, symbols: null, commandLine, memoryMib }));
      }
    }
    put(LIST, Buffer.from(`${JSON.stringify(list, null, 2)}\n`));
    const files = [INITRD, LIST, ...filesOf(flavours, withBooted)];
    const stamp: Stamp = { recipe: recipe(), files: Object.fromEntries(files.map(name => [name, digest(name)])) };
    put(STAMP, Buffer.from(`${JSON.stringify(stamp, null, 2)}\n`));
    for (const { id, name, bytes } of list) console.log(`${id}: ${name}, ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The meta package depends on the package of the current release, which has the kernel as boot/vmlinuz-RELEASE. */
function fetchKernel(apt: Apt, metaPackage: string, folder: string): { release: string; bytes: Uint8Array } {
  const current = apt.dependencies(metaPackage).find(name => name.startsWith('linux-image-'));
  if (current === undefined)
    throw new BuildError(`The package ${metaPackage} does not name the current kernel's package.`);
  unpackDeb(apt.download(current), folder);
  const file = readdirSync(join(folder, 'boot')).find(name => name.startsWith('vmlinuz-'));
  if (file === undefined) throw new BuildError(`The package ${current} has no kernel in its folder boot.`);
  return { release: file.slice('vmlinuz-'.length), bytes: readFileSync(join(folder, 'boot', file)) };
}

const nameOf = (release: string): string => `Debian Linux ${release}`;

function imageOf(flavour: Flavour, release: string, bytes: number, withBooted: boolean): Image {
  return {
    id: `linux-${flavour}`,
    name: nameOf(release),
    description: `Debian's own i386 kernel, ${FLAVOURS[flavour].paging}, with a BusyBox shell on the serial line.`,
    kernel: FLAVOURS[flavour].kernel,
    initrd: INITRD,
    commandLine: COMMAND_LINE,
    memoryMib: MEMORY_MIB,
    bytes,
    booted: withBooted ? bootedName(flavour) : null,
  };
}

/** What there is of each flavour. */
function filesOf(flavours: readonly Flavour[], withBooted: boolean): readonly string[] {
  const booted = withBooted ? flavours.map(bootedName) : [];
  return [...flavours.map(flavour => FLAVOURS[flavour].kernel), ...booted];
}

/** A file appears under its name only when it is whole. */
function put(name: string, bytes: Uint8Array): void {
  const part = join(IMAGES, `${name}.part`);
  writeFileSync(part, bytes);
  renameSync(part, join(IMAGES, name));
}

function isDone(flavours: readonly Flavour[], withBooted: boolean): boolean {
  try {
    const stamp: Stamp = JSON.parse(readFileSync(join(IMAGES, STAMP), 'utf8'));
    return (
      stamp.recipe === recipe() &&
      filesOf(flavours, withBooted).every(name => name in stamp.files) &&
      Object.entries(stamp.files).every(([name, sum]) => digest(name) === sum)
    );
  } catch {
    // No stamp, a damaged one, or a file that is gone: all mean that there is work to do.
    return false;
  }
}

function digest(name: string): string {
  return sha256(readFileSync(join(IMAGES, name)));
}

/** Identifies this tool: what another version of it made is made anew. */
function recipe(): string {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  return sha256(
    Buffer.concat(['build.ts', 'initramfs.ts', 'cpio.ts', 'booted.ts'].map(name => readFileSync(join(folder, name)))),
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

process.exitCode = main(process.argv.slice(2));
