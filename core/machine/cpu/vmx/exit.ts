import { EXIT, type ExitReason } from '../../../ia32/vmx/exits.ts';

/**
 * A VM exit on its way out of an instruction: thrown like a Fault, from wherever it came up, and caught by the run loop. One object for all.
 * What an exit does not define is 0.
 */
export class VmExit {
  reason: ExitReason = EXIT.cpuid;
  qualification = 0;
  /** Bytes of the instruction that the exit is due to. */
  instructionLength = 0;
  instructionInformation = 0;
  interruption = 0;
  errorCode = 0;
  guestLinear = 0;
  guestPhysical = 0;
  /** Saves EFLAGS with RF set, unless an event was being delivered: the instruction begins again (SDM volume 3, 27.3.3). */
  resumes = false;

  /** Begins a new one. */
  set(reason: ExitReason, qualification = 0, instructionLength = 0): this {
    this.reason = reason;
    this.qualification = qualification;
    this.instructionLength = instructionLength;
    this.instructionInformation = 0;
    this.interruption = 0;
    this.errorCode = 0;
    this.guestLinear = 0;
    this.guestPhysical = 0;
    this.resumes = false;
    return this;
  }
}
