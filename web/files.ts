import { size } from './format.ts';
import { text } from './text.ts';

/** Larger files are refused: they would not fit into the page's memory twice. */
const LARGEST_FILE = 512 * 1024 * 1024;

export type Progress = (loaded: number, total: number | null) => void;

/** A file could not be read or fetched. The message is a sentence for a person. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** Reads a chosen or dropped file. Throws FileError. */
export async function readFile(file: File, progress: Progress, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > LARGEST_FILE) throw new FileError(text.files.tooLarge(file.name, size(file.size)));
  if (file.size === 0) throw new FileError(text.files.empty(file.name));
  return collect(file.stream(), file.size, file.name, progress, signal);
}

/** Fetches a file of the page. Throws FileError. */
export async function fetchFile(
  address: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const name = address.slice(address.lastIndexOf('/') + 1);
  let response: Response;
  try {
    response = await fetch(address, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new FileError(text.files.unreachable(name));
  }
  if (!response.ok || response.body === null) throw new FileError(text.files.missing(name, response.status));
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  // A compressed answer says how long it is on the wire, which is not what arrives here.
  const plain = response.headers.get('content-encoding') === null && Number.isFinite(length);
  if (plain && length > LARGEST_FILE) throw new FileError(text.files.tooLarge(name, size(length)));
  return collect(response.body, plain ? length : null, name, progress, signal);
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  total: number | null,
  name: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let loaded = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      loaded += value.length;
      if (loaded > LARGEST_FILE) throw new FileError(text.files.tooLarge(name, size(loaded)));
      progress(loaded, total);
    }
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    if (signal.aborted || error instanceof FileError) throw error;
    throw new FileError(text.files.unreadable(name));
  }
  const whole = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Hands a file to the reader. */
export function download(name: string, bytes: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser takes the file in its own time.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
