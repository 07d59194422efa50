import type { CodeRow } from '../../../core/protocol/messages.ts';
import type { Deed, Happening, NamedValue } from '../../../core/protocol/monitor.ts';
import { hex } from '../../format.ts';
import { laterText } from '../../text/later.ts';
import { text } from '../../text.ts';
import { causeOf, vectorName } from './cause.ts';

/** The instruction of a happening in one line; where none can be read, its address. A hypercall's lies behind it, and is not shown. */
export function instructionOf({ kind, instruction, address }: Happening): string {
  if (kind === 'hypercall') return 'int 0x82';
  return instruction === null ? hex(address) : oneLine(instruction);
}

function oneLine(row: CodeRow): string {
  return row.text.replace(/\s+/g, ' ');
}

/** What happened, in one or two sentences. Code is between backticks. */
export function story(happening: Happening): string {
  const words = laterText.happening.story;
  const what = instructionOf(happening);
  const cause = causeOf(happening);
  const { deeds } = happening;
  const reached = hex(happening.faultAddress ?? happening.address);
  switch (happening.kind) {
    case 'protection':
      if (happening.user) return words.userProtection(what, cause);
      return happening.setting.mode === 'para' ? words.paraProtection(what, cause) : words.protection(what, cause);
    case 'pageFault':
      if (deeds.some(({ kind }) => kind === 'hiddenFault')) return words.hiddenFault(what, reached);
      if (deeds.some(({ kind }) => kind === 'tracedWrite')) return words.tracedWrite(what, reached);
      return deeds.some(({ kind }) => kind === 'device') ? words.device(what, reached) : words.trueFault(what, reached);
    case 'exception':
      return words.exception(what, cause);
    case 'interrupt':
      return words.interrupt(capital(cause));
    case 'callout': {
      const isTranslation = deeds.some(({ kind }) => kind === 'translated');
      const address = hex(happening.address);
      if (happening.setting.mode === 'patch') return isTranslation ? words.scan(address) : words.patch(what);
      return isTranslation ? words.translation(address) : words.translatedCallout(what);
    }
    case 'hypercall':
      return words.hypercall(happening.reason);
    case 'instruction':
      return words.exit(what);
    case 'eptViolation':
      return words.eptViolation(reached);
    case 'interruptWindow':
      return words.interruptWindow;
    case 'tripleFault':
      return words.tripleFault;
    case 'entryFailure':
      return words.entryFailure;
    case 'delivered':
      return words.delivered(
        capital(cause),
        String((happening.saved.find(({ name }) => name === 'CS')?.value ?? 0) & 3),
      );
  }
}

/** For a cause that begins a sentence: most are signs such as #GP, some are words. */
function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function deedSentence(deed: Deed): string {
  const words = laterText.happening.deed;
  switch (deed.kind) {
    case 'emulated':
      return words.emulated;
    case 'delivered':
      return words.delivered(vectorName(deed.vector, deed.code));
    case 'hiddenFault':
    case 'tracedWrite':
    case 'device':
      return words[deed.kind](hex(deed.linear));
    case 'translated':
      return words.translated(hex(deed.address));
    case 'hypercall':
      return words.hypercall(deed.name, hex(deed.result));
    case 'machineInterrupt':
      return words.machineInterrupt(vectorName(deed.vector, null));
  }
}

/** What the monitor did, step by step, up to its return to the guest where it has come to that. */
export function deedSentences({ deeds, setting, kind }: Happening, isBack: boolean): readonly string[] {
  if (kind === 'delivered') return [];
  const resume = laterText.happening.deed.resume[setting.mode === 'hardware' ? 'vmresume' : 'iret'];
  return kind === 'tripleFault' || !isBack ? deeds.map(deedSentence) : [...deeds.map(deedSentence), resume];
}

/** Where the processor saved what it did, for the page's words. */
export function savedPlace({ kind, setting }: Happening): 'frame' | 'guest' | 'vmcs' {
  if (kind === 'delivered') return 'guest';
  return setting.mode === 'hardware' ? 'vmcs' : 'frame';
}

/** Fields of the VMCS that say something only where they are not 0. */
const ONLY_WITH_VALUE = /^(interruption|IDT-vectoring|guest-physical|VM-instruction|error code)/;

/** What is worth showing of what the processor saved. */
export function savedValues(happening: Happening): readonly NamedValue[] {
  const isVmcs = savedPlace(happening) === 'vmcs';
  return happening.saved.filter(({ name, value }) => !(isVmcs && value === 0 && ONLY_WITH_VALUE.test(name)));
}

/** What a saved value means, where that is more than a number; null elsewhere. */
export function noteOf(happening: Happening, { name, value }: NamedValue): string | null {
  const words = laterText.happening;
  switch (name) {
    case 'CS':
      // The low two bits of a saved CS are a privilege level (SDM volume 3, 5.5).
      return words.ringOf(value & 3);
    case 'vector':
      return vectorName(value, null);
    case 'exit reason':
      return text.cause.exitReason[value & 0xffff] ?? null;
    case 'exit qualification':
      return qualificationNote(happening.exitReason, value);
    default:
      return null;
  }
}

const IO_INSTRUCTION = 30;
const CONTROL_REGISTER = 28;

/** Exit qualifications that are read most (SDM volume 3, tables 27-3 and 27-5). */
function qualificationNote(reason: number | null, value: number): string | null {
  const words = laterText.happening.qualification;
  if (reason === IO_INSTRUCTION) return words.port(hex(value >>> 16, 4), (value & 7) + 1, (value & 8) !== 0);
  if (reason === CONTROL_REGISTER) return words.control(value & 15, ((value >>> 4) & 3) === 1);
  return null;
}
