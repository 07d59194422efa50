import { spawn } from 'node:child_process';

export const JUDGES = ['bochs', 'qemu'] as const;
export type Judge = (typeof JUDGES)[number];

/** The judge is not on this machine. */
export class NoJudge extends Error {
  override readonly name = 'NoJudge';
}

function commandOf(
  judge: Judge,
  kernel: string,
  tests: string,
  commandLine: string,
): readonly [string, readonly string[]] {
  switch (judge) {
    case 'bochs':
      return ['bash', ['tools/fuzz/bochs.sh', kernel, tests, commandLine]];
    case 'qemu':
      return [
        'qemu-system-i386',
        // Without -no-shutdown a guest that has crashed would begin anew.
        ['-cpu', 'coreduo', '-m', '128', '-display', 'none', '-serial', 'stdio', '-no-reboot', '-net', 'none'].concat([
          '-kernel',
          kernel,
          '-append',
          commandLine,
          '-drive',
          `file=${tests},format=raw,if=ide`,
        ]),
      ];
  }
}

/** Runs the kernel on another emulator, until it ends or `stop` says so; resolves to what it printed. Rejects with NoJudge where there is none. */
export function runJudge(
  judge: Judge,
  kernel: string,
  tests: string,
  commandLine: string,
  stop?: AbortSignal,
): Promise<string> {
  const [command, words] = commandOf(judge, kernel, tests, commandLine);
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let complaint = '';
    const timer = setTimeout(() => child.kill(), 310_000);
    stop?.addEventListener('abort', () => child.kill());
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.on('error', () => reject(new NoJudge(`There is no ${command} on this machine.`)));
    child.on('close', code => {
      clearTimeout(timer);
      if (code === 2) reject(new NoJudge(complaint.trim()));
      else resolve(Buffer.concat(chunks).toString('latin1').replaceAll('\r', ''));
    });
  });
}
