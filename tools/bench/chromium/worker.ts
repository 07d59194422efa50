/** The worker of a page: gets an order, fetches what belongs to it, does it, and answers. */
import { run } from '../machines.ts';
import type { Answer, ScriptTask } from '../task.ts';

/** A task without its bytes: these are files beside the worker. */
export interface Order {
  readonly machine: ScriptTask['machine'];
  readonly commandLine: string;
}

function say(answer: Answer): void {
  postMessage(answer);
}

async function read(name: string): Promise<Uint8Array> {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`The browser is not given ${name}.`);
  return new Uint8Array(await response.arrayBuffer());
}

async function taskOf({ machine, commandLine }: Order): Promise<ScriptTask> {
  const guest = { kernel: await read('kernel'), initrd: await read('initrd'), commandLine };
  if (machine !== 'v86' && machine !== 'v86-interpreter') return { machine, guest };
  const files = { wasm: await read('wasm'), bios: await read('bios'), vgaBios: await read('vgaBios') };
  return { machine, guest, files };
}

const failed = (error: unknown): void => say(error instanceof Error ? error.message : String(error));
// v86 starts itself behind its constructor's back.
addEventListener('unhandledrejection', ({ reason }) => failed(reason));
addEventListener('message', ({ data }: MessageEvent<Order>) => void taskOf(data).then(run).then(say, failed));
