import { EVENT_TYPE, INTERRUPTION } from '../../../ia32/vmx/exits.ts';
import { FIELD } from '../../../ia32/vmx/fields.ts';
import type { Executor } from '../executor.ts';
import { deliver, deliverNested, type EventSource } from '../interrupts.ts';
import * as L from '../layout.ts';
import { beginDelivery } from './exceptions.ts';
import { leaveGuest } from './leave.ts';
import { readField } from './vmcs.ts';

/**
 * How each type of event goes through the IDT; software interrupts and exceptions, but not INT1, are checked against the gate's DPL.
 * An exception goes like an event from outside: whoever injects it has set RF for a fault (26.5.1).
 */
const SOURCES: readonly EventSource[] = [
  'external',
  'external',
  'external',
  'external',
  'software',
  'external',
  'software',
];

/** Event injection, the last act of a VM entry (SDM volume 3, 26.5): the guest begins in the handler. */
export function injectEvent(cpu: Executor): void {
  const { i32 } = cpu;
  const information = readField(cpu, FIELD.entryInterruptionInformation);
  if ((information & INTERRUPTION.valid) === 0) return;
  const vector = information & INTERRUPTION.vectorMask;
  const type = (information & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  if (type === EVENT_TYPE.other) {
    i32[L.W_VMX_WATCH] |= L.WATCH_TRAPPED;
    return;
  }
  const isSoftware = type >= EVENT_TYPE.softwareInterrupt;
  const length = isSoftware ? readField(cpu, FIELD.entryInstructionLength) : 0;
  const hasCode = (information & INTERRUPTION.errorCodeValid) !== 0;
  const code = hasCode ? readField(cpu, FIELD.entryExceptionErrorCode) : null;
  const start = i32[L.W_EIP];
  beginDelivery(cpu, vector, type, code, length);
  i32[L.W_EIP] = (start + length) | 0;
  try {
    deliver(cpu, vector, SOURCES[type], code);
    if (type === EVENT_TYPE.nmi) i32[L.W_NMI_BLOCKED] = 1;
  } catch (thrown) {
    i32[L.W_EIP] = start;
    if (thrown === cpu.vmExit) leaveGuest(cpu, true);
    else if (thrown === cpu.fault) deliverNested(cpu, type === EVENT_TYPE.hardwareException ? vector : null);
    else throw thrown;
  }
  // The boundary before the first instruction (25.5.2).
  if ((i32[L.W_VMX_WATCH] & L.WATCH_TRAP) !== 0) i32[L.W_VMX_WATCH] |= L.WATCH_TRAPPED;
}
