/* exits.h: basic exit reasons (SDM volume 3, appendix C), those that this kernel brings about. */
#pragma once

#define EXIT_REASONS(X) \
  X(EXIT_EXCEPTION_OR_NMI, 0, "exceptionOrNmi") \
  X(EXIT_EXTERNAL_INTERRUPT, 1, "externalInterrupt") \
  X(EXIT_TRIPLE_FAULT, 2, "tripleFault") \
  X(EXIT_INTERRUPT_WINDOW, 7, "interruptWindow") \
  X(EXIT_TASK_SWITCH, 9, "taskSwitch") \
  X(EXIT_CPUID, 10, "cpuid") \
  X(EXIT_HLT, 12, "hlt") \
  X(EXIT_INVD, 13, "invd") \
  X(EXIT_INVLPG, 14, "invlpg") \
  X(EXIT_RDPMC, 15, "rdpmc") \
  X(EXIT_RDTSC, 16, "rdtsc") \
  X(EXIT_VMCALL, 18, "vmcall") \
  X(EXIT_VMCLEAR, 19, "vmclear") \
  X(EXIT_VMLAUNCH, 20, "vmlaunch") \
  X(EXIT_VMPTRLD, 21, "vmptrld") \
  X(EXIT_VMPTRST, 22, "vmptrst") \
  X(EXIT_VMREAD, 23, "vmread") \
  X(EXIT_VMRESUME, 24, "vmresume") \
  X(EXIT_VMWRITE, 25, "vmwrite") \
  X(EXIT_VMXOFF, 26, "vmxoff") \
  X(EXIT_VMXON, 27, "vmxon") \
  X(EXIT_CONTROL_REGISTER_ACCESS, 28, "controlRegisterAccess") \
  X(EXIT_MOV_DEBUG, 29, "movDebug") \
  X(EXIT_IO_INSTRUCTION, 30, "ioInstruction") \
  X(EXIT_RDMSR, 31, "rdmsr") \
  X(EXIT_WRMSR, 32, "wrmsr") \
  X(EXIT_ENTRY_INVALID_GUEST_STATE, 33, "entryInvalidGuestState") \
  X(EXIT_ENTRY_MSR_LOADING, 34, "entryMsrLoading") \
  X(EXIT_MONITOR_TRAP_FLAG, 37, "monitorTrapFlag") \
  X(EXIT_PAUSE, 40, "pause") \
  X(EXIT_GDTR_IDTR_ACCESS, 46, "gdtrIdtrAccess") \
  X(EXIT_LDTR_TR_ACCESS, 47, "ldtrTrAccess") \
  X(EXIT_EPT_VIOLATION, 48, "eptViolation") \
  X(EXIT_EPT_MISCONFIGURATION, 49, "eptMisconfiguration") \
  X(EXIT_INVEPT, 50, "invept") \
  X(EXIT_PREEMPTION_TIMER, 52, "preemptionTimer") \
  X(EXIT_INVVPID, 53, "invvpid") \
  X(EXIT_WBINVD, 54, "wbinvd")

#define EXIT_NUMBER(constant, number, name) constant = number,
enum exit_reason { EXIT_REASONS(EXIT_NUMBER) };

#define EXIT_REASON_COUNT 64
/* A short name, or NULL for a reason that is not above. */
const char *exit_name(unsigned reason);
