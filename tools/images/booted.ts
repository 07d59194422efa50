import { translatorOf } from '../../core/machine/translate/translator.ts';
import { writeSnapshot } from '../../core/session/files/snapshot-file.ts';
import { type Guest, Session } from '../../core/session/session.ts';
import { BuildError } from './apt.ts';

/** What BusyBox's shell asks with. */
const PROMPT = '/ # ';
/** Steps a virtual second: what the page starts with. */
const RATE = 5e7;
/** Steps in which Linux surely comes to its shell, and between two looks at what it has printed. */
const MOST = 1e10;
const CHUNK = 2e6;
/** Virtual nanoseconds behind its prompt in which it frees what it started from, and comes to rest. */
const SETTLING = 2e9;

/** Boots Linux to its shell, on the machine itself; returns the snapshot file. It has the real-time clock of the day that this is done. Throws BuildError. */
export function bootToShell(guest: Guest): Uint8Array {
  let printed = '';
  let isThere = false;
  const session = new Session(guest, {
    mode: 'bare',
    paging: 'nested',
    startTime: Math.floor(Date.now() / 1000),
    rate: RATE,
    onConsole: byte => {
      printed = `${printed}${String.fromCharCode(byte)}`.slice(-200);
      isThere ||= printed.endsWith(PROMPT);
    },
    translate: translatorOf('regions'),
  });
  session.begin('run');
  let isRunning = true;
  while (isRunning && !isThere && session.steps < MOST) isRunning = session.run(CHUNK, Number.POSITIVE_INFINITY);
  if (!isThere) throw new BuildError(`${guest.name} does not come to its shell. It printed last: ${printed}`);
  const { clock } = session.pc;
  const rest = clock.now() + SETTLING;
  while (isRunning && clock.now() < rest) isRunning = session.run(CHUNK, rest);
  return writeSnapshot(guest, session.save());
}
