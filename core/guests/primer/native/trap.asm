; trap.asm: the entries of the interrupt descriptor table. Each one makes the same frame, which
; trap.h draws, and calls trap(). The processor pushes an error code for some exceptions (SDM
; 3A, table 6-1); the entries of the others push a 0.

KERNEL_DATA equ 0x10

extern trap
global trap_entry:function, trap_return:function, call_entry:function, probe_entry:function
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

; A new process begins here, with a frame that process.c wrote.
trap_return:
  popad
  pop gs
  pop fs
  pop es
  pop ds
  add esp, 8                    ; vector and error code
  iret

section .rodata

; The addresses of the first 48 entries, for native.c.
trap_entries:
%assign vector 0
%rep 48
  dd entry_%+ vector
%assign vector vector + 1
%endrep
