; trap.asm: the entries of the interrupt descriptor table, for exceptions and for the interrupt
; controller's lines. Each makes the same frame, struct trap_frame of machine.h, and calls
; trap(). The processor pushes an error code for some exceptions (SDM 3A, table 6-1); the
; entries of the others push a 0.

extern trap
global trap_entries:data (48 * 4)

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
%rep 48
  entry vector
%assign vector vector + 1
%endrep

global trap_entry:function
trap_entry:
  pushad
  cld
  push esp                      ; the argument: the frame
  call trap
  add esp, 4
  popad
  add esp, 8
  iretd

section .rodata

trap_entries:
%assign vector 0
%rep 48
  dd entry_%[vector]
%assign vector vector + 1
%endrep
