import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { GuestError, type V86Files } from './task.ts';

/** Where Debian's package seabios puts what v86 starts a kernel with. */
const FIRMWARE = '/usr/share/seabios';

/** Throws GuestError if they are not there. */
export function v86Files(): V86Files {
  const [bios, vgaBios] = ['bios.bin', 'vgabios-stdvga.bin'].map(name => {
    const file = `${FIRMWARE}/${name}`;
    if (!existsSync(file)) throw new GuestError(`v86 needs ${file}: install Debian's package seabios.`);
    return readFileSync(file);
  });
  return { wasm: readFileSync(createRequire(import.meta.url).resolve('v86/build/v86.wasm')), bios, vgaBios };
}
