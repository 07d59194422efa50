import { closeSync, openSync, writeSync } from 'node:fs';
import type { Session } from '../session/session.ts';
import { ChromeTrace } from '../session/watching/chrome-trace.ts';
import { TraceRecorder } from '../vmm/trace.ts';
import { type RunArguments, UsageError } from './arguments.ts';

/** Events in a trace: more than that, and the tools that show it get slow. */
const MOST_EVENTS = 1_000_000;

function refuse(path: string, error: unknown): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
  throw new UsageError(`The trace file ${path} cannot be written (${code}).`);
}

/**
 * Records a session to a file from now on. Returns what ends the recording and completes the file. Throws UsageError, then and later, if
 * the file cannot be written.
 */
export function traceTo(path: string, session: Session, { mode }: RunArguments): () => void {
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (error) {
    refuse(path, error);
  }
  const write = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    } catch (error) {
      refuse(path, error);
    }
  };
  const trace = new ChromeTrace({
    name: session.guest.name,
    mode,
    limit: MOST_EVENTS,
    write,
    onCut: () => {
      process.stderr.write(`ringside: the trace is full at ${MOST_EVENTS} events: what comes later is not in it.\n`);
    },
  });
  const recorder = new TraceRecorder(trace, address => session.symbols.name(address));
  session.watchMachines((pc, monitor) => {
    recorder.attach(pc, monitor);
    return recorder;
  });
  return () => {
    recorder.detach();
    session.watchMachines(null);
    trace.finish();
    closeSync(file);
  };
}
