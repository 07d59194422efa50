import { decode } from '../ia32/decoder.ts';
import { VECTOR_NAMES } from '../ia32/vectors.ts';
import type { Exit } from './exit.ts';
import type { VirtualProcessor } from './vcpu.ts';

/** The name under which an exit is counted. `caller`: who knows the name of the hypercall in the guest's registers. */
export function reasonOf(exit: Exit, vcpu: VirtualProcessor, caller: { readonly callName: string } | null): string {
  switch (exit.kind) {
    case 'interrupt':
      return `interrupt ${exit.vector}`;
    case 'pageFault':
      return '#PF';
    case 'exception':
      return VECTOR_NAMES[exit.vector] ?? `exception ${exit.vector}`;
    case 'protection':
      return mnemonicAt(vcpu) ?? VECTOR_NAMES[exit.vector] ?? 'protection';
    case 'callout':
      return exit.name;
    case 'hypercall':
      return caller?.callName ?? 'hypercall';
    case 'instruction':
      return mnemonicAt(vcpu) ?? `exit ${exit.reason}`;
    case 'eptViolation':
      return 'EPT violation';
    case 'interruptWindow':
      return 'interrupt window';
    case 'tripleFault':
      return 'triple fault';
    case 'entryFailure':
      return 'entry failure';
  }
}

/** Mnemonic of the instruction at the guest's EIP, or null if it cannot be read. */
function mnemonicAt(vcpu: VirtualProcessor): string | null {
  const start = vcpu.address;
  const source = {
    byte: (index: number): number => {
      const byte = vcpu.peekByte((start + index) | 0);
      if (byte < 0) throw new RangeError('not mapped');
      return byte;
    },
  };
  try {
    return decode(source, 0, vcpu.codeSize).row.mnemonic;
  } catch {
    return null;
  }
}
