; trap.asm: where the monitor sends exceptions, events and system calls. It has pushed onto the
; kernel's stack what the processor would have pushed, so each entry makes the same frame as in
; the native kernel, which trap.h draws, and calls trap(). The saved CS and EFLAGS tell the
; virtual interrupt flag; the processor's own is always 1 here.

KERNEL_DATA equ 0x11
HYPERCALL_IRET equ 23

extern trap, hypercall_page
global trap_entry:function, trap_return:function
global event_entry:function, failsafe_entry:function, call_entry:function, probe_entry:function
global trap_entries:data (32 * 4)

section .text

%macro entry 1
global entry_%1:function
entry_%1:
%if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21
%else
  push dword 0
%endif
  push dword %1
  jmp trap_entry
%endmacro

%assign vector 0
%rep 32
  entry vector
%assign vector vector + 1
%endrep

; Events came. They are masked now.
event_entry:
  push dword 0
  push dword 0x20
  jmp trap_entry

; The monitor could not go back to where iret sent it, or not load DS, ES, FS or GS, whose
; values it has pushed above the frame. The process that has such values ends.
failsafe_entry:
  add esp, 16
  push dword 0
  push dword 13
  jmp trap_entry

call_entry:
  push dword 0
  push dword 0x80
  jmp trap_entry

probe_entry:
  push dword 0
  push dword 0x81
  jmp trap_entry

trap_entry:
  push ds
  push es
  push fs
  push gs
  pushad
  mov ax, KERNEL_DATA
  mov ds, ax
  mov es, ax
  cld
  push esp                      ; the argument: the frame
  call trap
  add esp, 4

; A new process begins here, with a frame that process.c wrote. IRET would leave the virtual
; interrupt flag as it is, and so let an event come between setting it and leaving: so the
; monitor does both at once.
trap_return:
  popad
  pop gs
  pop fs
  pop es
  pop ds
  add esp, 8                    ; vector and error code
  jmp hypercall_page + HYPERCALL_IRET * 32

section .rodata

; The addresses of the first 32 entries, for para.c.
trap_entries:
%assign vector 0
%rep 32
  dd entry_%+ vector
%assign vector vector + 1
%endrep
