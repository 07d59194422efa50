/**
 * The way of console bytes from the machine to the terminal. The terminal is loaded after the first view; what comes
 * before is kept for it.
 */

export interface ConsoleSink {
  readonly write: (bytes: Uint8Array) => void;
  readonly reset: () => void;
}

const MOST_KEPT = 1 << 20;

let sink: ConsoleSink | null = null;
let kept: Uint8Array[] = [];
let keptBytes = 0;

export function writeConsole(bytes: Uint8Array): void {
  if (sink !== null) {
    sink.write(bytes);
    return;
  }
  kept.push(bytes);
  keptBytes += bytes.length;
  while (keptBytes > MOST_KEPT && kept.length > 1) keptBytes -= kept.shift()?.length ?? 0;
}

/** A reset or another guest: the screen starts empty. */
export function resetConsole(): void {
  kept = [];
  keptBytes = 0;
  sink?.reset();
}

export function connectConsole(to: ConsoleSink): void {
  sink = to;
  for (const bytes of kept) to.write(bytes);
  kept = [];
  keptBytes = 0;
}
