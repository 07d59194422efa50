import { FLAG } from '../../ia32/flags.ts';
import { CR0, CR4, REGISTER_NAMES_32 } from '../../ia32/registers.ts';
import { VECTOR_NAMES } from '../../ia32/vectors.ts';
import { ENTRY_CONTROL, EPT_POINTER, EXIT_CONTROL, PIN, PROCESSOR, SECONDARY } from '../../ia32/vmx/controls.ts';
import {
  ACTIVITY,
  BLOCKING,
  ENTRY_FAILURE,
  EPT_VIOLATION,
  EVENT_TYPE,
  EXIT,
  EXIT_NAMES,
  INSTRUCTION_ERROR,
  INTERRUPTION,
} from '../../ia32/vmx/exits.ts';
import { FIELD, FIELDS, type Field, type FieldName } from '../../ia32/vmx/fields.ts';
import * as L from '../../machine/cpu/layout.ts';
import { EFER_NXE } from '../../machine/cpu/msr-numbers.ts';
import type { Processor } from '../../machine/cpu/processor.ts';
import { readEncoding, readField } from '../../machine/cpu/vmx/vmcs.ts';
import type { VmcsField } from '../../protocol/questions.ts';
import { segmentDescription } from './register-view.ts';
import * as N from './vmcs-names.ts';

/**
 * The processor's current VMCS as it lies in memory, or null if it has none. While the guest runs, its state is in the processor, and the guest-state
 * area holds what the last exit saved and the monitor wrote (SDM volume 3, 24.1). No VMREAD is executed for this: nothing changes.
 */
export function vmcsView(cpu: Processor): VmcsField[] | null {
  if (cpu.i32[L.W_VMCS_POINTER] === L.NO_VMCS) return null;
  const reason = readField(cpu, FIELD.exitReason);
  return FIELDS.map(field => {
    const { name, encoding, area, width } = field;
    const low = readEncoding(cpu, encoding) >>> 0;
    const high = width === 64 ? readEncoding(cpu, encoding + 1) >>> 0 : 0;
    const bits = width === 'natural' ? 32 : width;
    return { name: N.FIELD_NAMES[name], encoding, area, high, low, bits, meaning: meaningOf(field, low, high, reason) };
  });
}

/** What a value says; `reason`: why the guest left last, on which the exit qualification depends. */
type Meaning = (low: number, high: number, reason: number) => string;

function meaningOf({ name }: Field, low: number, high: number, reason: number): string {
  if (name.endsWith('AccessRights')) return accessRights(low);
  return MEANINGS[name]?.(low, high, reason) ?? '';
}

const UNUSABLE = 1 << 16;

/** SDM volume 3, table 24-2. */
function accessRights(rights: number): string {
  if ((rights & UNUSABLE) !== 0) return 'unusable';
  return `${segmentDescription(rights)}, DPL ${(rights >>> 5) & 3}`;
}

/** Names of the bits that are set; bits without a name are reserved ones, and not told. */
function bits<K extends string>(table: Readonly<Record<K, number>>, names: Readonly<Record<K, string>>): Meaning {
  // Object.entries() forgets the names' type.
  const entries = Object.entries(table) as [K, number][];
  return low => entries.flatMap(([name, bit]) => ((low & bit) === 0 ? [] : [names[name]])).join(', ');
}

/** Bits whose names in the manual are their names here. */
function flags(table: Readonly<Record<string, number>>): Meaning {
  const entries = Object.entries(table);
  return low => entries.flatMap(([name, bit]) => ((low & bit) === bit ? [name] : [])).join(' ');
}

function vectorName(vector: number): string {
  return VECTOR_NAMES[vector] ?? `vector ${vector}`;
}

const vectors: Meaning = low =>
  Array.from({ length: 32 }, (_, n) => n)
    .filter(n => ((low >>> n) & 1) !== 0)
    .map(vectorName)
    .join(' ');

/** Types of events in the manual's words, by number. */
const EVENT_NAMES: readonly (string | undefined)[] = (() => {
  const names: (string | undefined)[] = [];
  names[EVENT_TYPE.externalInterrupt] = 'external interrupt';
  names[EVENT_TYPE.nmi] = 'NMI';
  names[EVENT_TYPE.hardwareException] = 'hardware exception';
  names[EVENT_TYPE.softwareInterrupt] = 'software interrupt';
  names[EVENT_TYPE.privilegedSoftwareException] = 'privileged software exception';
  names[EVENT_TYPE.softwareException] = 'software exception';
  names[EVENT_TYPE.other] = 'other event';
  return names;
})();

/** SDM volume 3, tables 24-13, 24-15 and 24-16. */
const interruption: Meaning = low => {
  if ((low & INTERRUPTION.valid) === 0) return 'not valid';
  const type = (low & INTERRUPTION.typeMask) >> INTERRUPTION.typeShift;
  const vector = low & INTERRUPTION.vectorMask;
  const isException = type === EVENT_TYPE.hardwareException || type === EVENT_TYPE.softwareException;
  const parts = [isException ? vectorName(vector) : `vector 0x${vector.toString(16)}`, EVENT_NAMES[type] ?? ''];
  if ((low & INTERRUPTION.errorCodeValid) !== 0) parts.push('error code valid');
  if ((low & INTERRUPTION.nmiUnblocking) !== 0) parts.push('NMI unblocking due to IRET');
  return parts.filter(part => part !== '').join(', ');
};

function nameOfReason(reason: number): string {
  const name = EXIT_NAMES[reason];
  return name === undefined ? `basic exit reason ${reason}` : N.REASON_NAMES[name];
}

const exitReason: Meaning = low => {
  const name = nameOfReason(low & 0xffff);
  return (low & ENTRY_FAILURE) === 0 ? name : `${name}, VM-entry failure`;
};

const ACCESS_TYPES = ['MOV to', 'MOV from', 'CLTS', 'LMSW'] as const;

/** SDM volume 3, tables 27-3 to 27-7. */
const qualification: Meaning = (low, _high, reason) => {
  switch (reason & 0xffff) {
    case EXIT.controlRegisterAccess: {
      const type = (low >>> 4) & 3;
      const register = REGISTER_NAMES_32[(low >>> 8) & 7].toUpperCase();
      if (type === 2) return 'CLTS';
      if (type === 3) return `LMSW with ${(low >>> 16).toString(16)}`;
      return `${ACCESS_TYPES[type]} CR${low & 15}, ${register}`;
    }
    case EXIT.movDebug: {
      const register = REGISTER_NAMES_32[(low >>> 8) & 7].toUpperCase();
      return `${ACCESS_TYPES[(low >>> 4) & 1]} DR${low & 7}, ${register}`;
    }
    case EXIT.ioInstruction: {
      const size = (low & 7) + 1;
      const text = [(low & 8) === 0 ? 'OUT' : 'IN', (low & 16) === 0 ? '' : 'string', (low & 32) === 0 ? '' : 'REP'];
      const port = (low >>> 16).toString(16);
      return `${text.filter(word => word !== '').join(' ')}, ${size === 1 ? '1 byte' : `${size} bytes`}, port 0x${port}`;
    }
    case EXIT.eptViolation: {
      const has = (bit: number) => (low & bit) !== 0;
      const access = has(EPT_VIOLATION.fetch) ? 'fetch' : has(EPT_VIOLATION.write) ? 'write' : 'read';
      const allowed = [
        has(EPT_VIOLATION.readable) ? 'read' : '',
        has(EPT_VIOLATION.writable) ? 'write' : '',
        has(EPT_VIOLATION.executable) ? 'execute' : '',
      ].filter(word => word !== '');
      return `${access}; allowed: ${allowed.length === 0 ? 'nothing' : allowed.join(', ')}`;
    }
    case EXIT.exceptionOrNmi:
    case EXIT.invlpg:
      return low === 0 ? '' : `linear address ${low.toString(16)}`;
    default:
      return '';
  }
};

const eptPointer: Meaning = low => {
  if (low === 0) return '';
  const type = (low & EPT_POINTER.memoryTypeMask) === EPT_POINTER.writeBack ? 'write-back' : 'uncacheable';
  const levels = ((low & EPT_POINTER.walkLengthMask) >>> 3) + 1;
  const marks = (low & EPT_POINTER.accessedDirty) === 0 ? '' : ', accessed and dirty flags';
  return `${type}, ${levels} levels${marks}`;
};

function nameIn(table: Readonly<Record<string, number>>, names: Readonly<Record<string, string>>, none = ''): Meaning {
  return low => names[Object.keys(table).find(name => table[name] === low) ?? ''] ?? none;
}

const control = flags(CR0);
const control4 = flags(CR4);
const eflags = flags(Object.fromEntries(Object.entries(FLAG).filter(([name]) => name !== 'ONE' && name !== 'IOPL')));
const efer: Meaning = low => ((low & EFER_NXE) === 0 ? '' : 'NXE');
const length: Meaning = low => (low === 0 ? '' : low === 1 ? '1 byte' : `${low} bytes`);

const MEANINGS: Readonly<Partial<Record<FieldName, Meaning>>> = {
  pinControls: bits(PIN, N.PIN_NAMES),
  processorControls: bits(PROCESSOR, N.PROCESSOR_NAMES),
  secondaryControls: bits(SECONDARY, N.SECONDARY_NAMES),
  exitControls: bits(EXIT_CONTROL, N.EXIT_CONTROL_NAMES),
  entryControls: bits(ENTRY_CONTROL, N.ENTRY_CONTROL_NAMES),
  exceptionBitmap: vectors,
  eptPointer,
  vmcsLinkPointer: (low, high) => (low === 0xffffffff && high === 0xffffffff ? 'none' : ''),
  instructionError: nameIn(INSTRUCTION_ERROR, N.INSTRUCTION_ERROR_NAMES),
  exitReason,
  exitQualification: qualification,
  exitInterruptionInformation: interruption,
  idtVectoringInformation: interruption,
  entryInterruptionInformation: interruption,
  exitInstructionLength: length,
  guestInterruptibility: bits(BLOCKING, {
    sti: 'Blocking by STI',
    movSs: 'Blocking by MOV SS',
    smi: 'Blocking by SMI',
    nmi: 'Blocking by NMI',
  }),
  guestActivity: nameIn(ACTIVITY, {
    active: 'Active',
    hlt: 'HLT',
    shutdown: 'Shutdown',
    waitForSipi: 'Wait-for-SIPI',
  }),
  guestEflags: low => {
    const level = (low & FLAG.IOPL) >>> 12;
    return [eflags(low, 0, 0), level === 0 ? '' : `IOPL ${level}`].filter(part => part !== '').join(' ');
  },
  cr0Mask: control,
  cr0Shadow: control,
  guestCr0: control,
  hostCr0: control,
  cr4Mask: control4,
  cr4Shadow: control4,
  guestCr4: control4,
  hostCr4: control4,
  guestEfer: efer,
  hostEfer: efer,
};
