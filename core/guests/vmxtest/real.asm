; real.asm: a guest that begins in real mode, as firmware and boot sectors do, and goes on to protected mode. It is a page of
; its own, which EPT maps at REAL_PAGE.

REAL_PAGE equ 0x10000

section .text align=4096

global real_page:data (4096)
real_page:

; Begins at REAL_PAGE:0 with SS:SP = 2000:1000. EDX has the address of the descriptors for LGDT.
bits 16
  mov ax, 0x2000
  mov ds, ax
  mov dword [0x10], 0x12345678
  mov bx, 0x10
  mov ecx, [bx]
  int 0x21                      ; to the handler below
  cpuid                         ; the host looks
  db 0x66                       ; 32 bits of base
  lgdt [cs:table_register - real_page]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 8:REAL_PAGE + (protected - real_page)

align 16
global real_handler:function
real_handler:
  inc esi
  push bp
  mov bp, sp
  mov di, [bp + 2]              ; IP of the caller
  pop bp
  iret

align 16
bits 32
protected:
  mov ax, 16
  mov ds, ax
  mov ss, ax
  mov eax, [0x20010]
  vmcall

align 8
descriptors:
  dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
table_register:
  dw table_register - descriptors - 1
  dd REAL_PAGE + (descriptors - real_page)

align 4096
