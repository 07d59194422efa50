; boot.asm: the first instructions. A multiboot loader has put the image at 1 MB of physical
; memory and starts it in flat 32-bit protected mode, with paging and interrupts off.

extern main

section .boot progbits alloc exec nowrite align=4

; The multiboot 1 header: within the first 8 KB, aligned to 4 bytes, the three words add up to
; 0.
MAGIC equ 0x1badb002
FLAGS equ 0
  dd MAGIC, FLAGS, -(MAGIC + FLAGS)

global start:function
start:
  mov esp, stack_top
  xor ebp, ebp                  ; the end of the chain of frames
  cld
  push ebx                      ; the loader's information
  push eax                      ; the loader's magic number
  call main
.stop:
  cli
  hlt
  jmp .stop

section .bss nobits alloc noexec write align=4096

stack: resb 8192
stack_top:
