; boot.asm: the first instructions, and the entries of the interrupt descriptor table. A multiboot
; loader has put the image at 1 MB and starts it in flat 32-bit protected mode.

extern main
extern interrupt

section .boot progbits alloc exec nowrite align=4

MAGIC equ 0x1badb002
FLAGS equ 0
  dd MAGIC, FLAGS, -(MAGIC + FLAGS)

global start:function
start:
  mov esp, stack_top
  cld
  push ebx                      ; the loader's information
  call main
.stop:
  cli
  hlt
  jmp .stop

section .text

%macro entry 1
entry_%1:
%if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17
%else
  push dword 0
%endif
  push dword %1
  jmp deliver
%endmacro

%assign vector 0
%rep 256
  entry vector
%assign vector vector + 1
%endrep

; interrupt(vector), with all registers kept. The processor's error code lies above the vector.
deliver:
  pushad
  cld
  push dword [esp + 32]
  call interrupt
  add esp, 4
  popad
  add esp, 8
  iretd

section .rodata

global entries:data (256 * 4)
entries:
%assign vector 0
%rep 256
  dd entry_%[vector]
%assign vector vector + 1
%endrep

section .bss nobits alloc noexec write align=16

stack: resb 16384
stack_top:
