/* controls.h: bits of the VMX controls and of the information fields (SDM volume 3, 24.6 to 24.9). */
#pragma once

#define PIN_EXTERNAL_INTERRUPT (1u << 0)
#define PIN_NMI (1u << 3)
#define PIN_PREEMPTION_TIMER (1u << 6)

#define PROCESSOR_INTERRUPT_WINDOW (1u << 2)
#define PROCESSOR_TSC_OFFSETTING (1u << 3)
#define PROCESSOR_HLT (1u << 7)
#define PROCESSOR_INVLPG (1u << 9)
#define PROCESSOR_RDPMC (1u << 11)
#define PROCESSOR_RDTSC (1u << 12)
#define PROCESSOR_CR3_LOAD (1u << 15)
#define PROCESSOR_CR3_STORE (1u << 16)
#define PROCESSOR_MOV_DR (1u << 23)
#define PROCESSOR_UNCONDITIONAL_IO (1u << 24)
#define PROCESSOR_IO_BITMAPS (1u << 25)
#define PROCESSOR_MONITOR_TRAP_FLAG (1u << 27)
#define PROCESSOR_MSR_BITMAPS (1u << 28)
#define PROCESSOR_PAUSE (1u << 30)
#define PROCESSOR_SECONDARY (1u << 31)

#define SECONDARY_EPT (1u << 1)
#define SECONDARY_DESCRIPTOR_TABLES (1u << 2)
#define SECONDARY_VPID (1u << 5)
#define SECONDARY_WBINVD (1u << 6)
#define SECONDARY_UNRESTRICTED (1u << 7)
#define SECONDARY_VM_FUNCTIONS (1u << 13)
#define SECONDARY_VMCS_SHADOWING (1u << 14)

#define EXITING_SAVE_DEBUG (1u << 2)
#define EXITING_ACKNOWLEDGE (1u << 15)
#define EXITING_SAVE_PAT (1u << 18)
#define EXITING_LOAD_PAT (1u << 19)
#define EXITING_SAVE_EFER (1u << 20)
#define EXITING_LOAD_EFER (1u << 21)
#define EXITING_SAVE_TIMER (1u << 22)

#define ENTRY_LOAD_DEBUG (1u << 2)
#define ENTRY_LOAD_PAT (1u << 14)
#define ENTRY_LOAD_EFER (1u << 15)

#define EPTP_WRITE_BACK 6u
#define EPTP_FOUR_LEVELS (3u << 3)
#define EPTP_ACCESSED_DIRTY (1u << 6)

/* Interruption-information fields: a vector, a type, and these. */
#define EVENT_VALID (1u << 31)
#define EVENT_ERROR_CODE (1u << 11)
#define EVENT_NMI_UNBLOCKED (1u << 12) /* of an exit: by the IRET that faulted */
#define EVENT_EXTERNAL (0u << 8)
#define EVENT_NMI (2u << 8)
#define EVENT_EXCEPTION (3u << 8)
#define EVENT_SOFTWARE_INTERRUPT (4u << 8)
#define EVENT_PRIVILEGED_EXCEPTION (5u << 8)
#define EVENT_SOFTWARE_EXCEPTION (6u << 8)
#define EVENT_OTHER (7u << 8)

#define BLOCKING_STI 1u
#define BLOCKING_MOV_SS 2u
#define BLOCKING_NMI 8u

#define ACTIVITY_ACTIVE 0u
#define ACTIVITY_HLT 1u
#define ACTIVITY_SHUTDOWN 2u

#define UNUSABLE (1u << 16)

/* VM-instruction error numbers (SDM volume 3, 30.4). */
#define ERROR_VMCALL_IN_ROOT 1u
#define ERROR_VMCLEAR_ADDRESS 2u
#define ERROR_VMCLEAR_VMXON_POINTER 3u
#define ERROR_VMLAUNCH_NOT_CLEAR 4u
#define ERROR_VMRESUME_NOT_LAUNCHED 5u
#define ERROR_CONTROLS 7u
#define ERROR_HOST_STATE 8u
#define ERROR_VMPTRLD_ADDRESS 9u
#define ERROR_VMPTRLD_VMXON_POINTER 10u
#define ERROR_VMPTRLD_REVISION 11u
#define ERROR_UNSUPPORTED_FIELD 12u
#define ERROR_READ_ONLY_FIELD 13u
#define ERROR_VMXON_IN_ROOT 15u
#define ERROR_MOV_SS 26u
#define ERROR_OPERAND 28u
