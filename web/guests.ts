import type { GuestEntry } from '../core/protocol/messages.ts';
import { text } from './text.ts';

export interface PageGuest extends GuestEntry {
  /** Run at once, or stop just before the first privileged instruction. */
  readonly start: 'run' | 'privileged';
  /** Address of a snapshot of it as it asks for commands, or null. */
  readonly booted: string | null;
  /** The same guest with a kernel that is made for paravirtualization, or null. */
  readonly para: { readonly kernel: string; readonly symbols: string | null } | null;
}

/** The project's own guest, which the page opens on. */
export const primer: PageGuest = {
  id: 'primer',
  name: 'primer',
  get description() {
    return text.guests.primer;
  },
  kernel: 'guests/primer.elf',
  initrd: null,
  symbols: 'guests/primer.json',
  commandLine: '',
  memoryMib: 32,
  start: 'privileged',
  booted: null,
  para: { kernel: 'guests/primer-para.elf', symbols: 'guests/primer-para.json' },
};

/** The project's own hypervisor in a nutshell: it tries every VMX instruction and exit, and says what it saw. */
export const vmxtest: PageGuest = {
  id: 'vmxtest',
  name: 'vmxtest',
  get description() {
    return text.guests.vmxtest;
  },
  kernel: 'guests/vmxtest.elf',
  initrd: null,
  symbols: 'guests/vmxtest.json',
  commandLine: '',
  memoryMib: 32,
  start: 'privileged',
  booted: null,
  para: null,
};
