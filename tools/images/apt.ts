/**
 * Fetches Debian packages for i386 with the machine's own package sources, as any user: apt works in a private folder with
 * an empty list of installed packages, so nothing of the machine's own package state is read or changed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The images cannot be made. The message is one sentence for a person: what is wrong and what to do. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

export interface Apt {
  /** The dependencies of the newest version of a package, as Debian writes them, without versions and alternatives. */
  dependencies(name: string): readonly string[];
  /** Downloads a package and returns the path of the .deb file. */
  download(name: string): string;
}

/** Reads the machine's package sources afresh, for i386, into `folder`. Throws BuildError when apt-get is missing. */
export function openApt(folder: string): Apt {
  const packages = join(folder, 'packages');
  for (const path of ['state/lists/partial', 'cache/archives/partial', 'packages']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  writeFileSync(join(folder, 'status'), '');
  const options = [
    `Dir::State=${join(folder, 'state')}`,
    `Dir::State::status=${join(folder, 'status')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'APT::Architecture=i386',
    'APT::Architectures=i386',
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
    'Acquire::http::Timeout=30',
    'Acquire::https::Timeout=30',
  ].flatMap(option => ['-o', option]);

  // One unreachable source among several does not matter as long as the packages are found in the others.
  const update = run('apt-get', [...options, '--quiet', 'update'], packages);

  const failure = (name: string, output: Output) => {
    const reason = firstComplaint(update) ?? firstComplaint(output);
    return new BuildError(
      `The package ${name} (i386) cannot be downloaded from this machine's package sources, which have to be those of Debian 12` +
        `${reason === undefined ? '.' : `: ${reason}`}`,
    );
  };
  return {
    dependencies(name) {
      const output = run('apt-cache', [...options, 'show', '--no-all-versions', name], packages);
      const line = /^Depends: (.*)$/m.exec(output.stdout)?.[1];
      if (output.status !== 0 || line === undefined) throw failure(name, output);
      return line.split(',').map(dependency => dependency.trim().split(/[ :|]/, 1)[0]);
    },
    download(name) {
      const output = run('apt-get', [...options, '--quiet', 'download', name], packages);
      const file = readdirSync(packages).find(entry => entry.startsWith(`${name}_`) && entry.endsWith('.deb'));
      if (output.status !== 0 || file === undefined) throw failure(name, output);
      return join(packages, file);
    },
  };
}

/** Unpacks a .deb file into a new folder. Throws BuildError when dpkg-deb is missing or the file is damaged. */
export function unpackDeb(deb: string, folder: string): void {
  const output = run('dpkg-deb', ['-x', deb, folder], '.');
  if (output.status !== 0) throw new BuildError(`The package ${deb} cannot be unpacked: ${output.stderr.trim()}`);
}

/** Throws BuildError unless `command` can be started. */
export function requireCommand(command: string): void {
  run(command, ['--version'], '.');
}

interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, parameters: readonly string[], folder: string): Output {
  const result = spawnSync(command, parameters, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    maxBuffer: 1 << 26,
  });
  if (result.error !== undefined) {
    throw new BuildError(
      `The command ${command} cannot be started (${result.error.message}): the images are made on Debian or where its tools apt and dpkg exist.`,
    );
  }
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** The first error or warning that apt reported, without its mark. */
function firstComplaint(output: Output): string | undefined {
  return /^[EW]: (.*)$/m.exec(output.stderr)?.[1];
}
