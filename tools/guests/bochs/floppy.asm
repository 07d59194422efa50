; floppy.asm: the boot sector of a 1.44 MB floppy disk that starts a multiboot kernel, for emulators that cannot do so
; themselves. The kernel follows, as flat bytes that belong at 1 MB; its memory beyond them is zero. -D sets SECTORS, how
; many there are, ENTRY, where the kernel begins, and COMMAND_LINE, what it is told, a text.

BUFFER equ 0x10000              ; the floppy is read to here; the kernel may have 448 KB
STACK equ 0x7c00
MULTIBOOT equ 0x2badb002

bits 16
org 0x7c00

  cli
  xor ax, ax
  mov ds, ax
  mov ss, ax
  mov sp, STACK
  mov [drive], dl
  sti

; One sector at a time: sector n lies at head (n / 18) mod 2, cylinder n / 36, and its own number counts from 1.
  mov si, 1
  mov ax, BUFFER >> 4
  mov es, ax
.next_sector:
  mov ax, si
  mov cl, 18
  div cl
  mov cl, ah
  inc cl
  mov ch, al
  shr ch, 1
  mov dh, al
  and dh, 1
  mov dl, [drive]
  xor bx, bx
  mov ax, 0x0201
  int 0x13
  jc .stop
  mov ax, es
  add ax, 32
  mov es, ax
  inc si
  cmp si, SECTORS
  jbe .next_sector

; The motor off, address line 20 on, protected mode.
  mov dx, 0x3f2
  mov al, 0x0c
  out dx, al
  in al, 0x92
  or al, 2
  out 0x92, al
  cli
  lgdt [table_register]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp 8:protected
.stop:
  cli
  hlt
  jmp .stop

bits 32
protected:
  mov ax, 16
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov esi, BUFFER
  mov edi, 0x100000
  mov ecx, SECTORS * 128
  rep movsd
  mov eax, MULTIBOOT
  mov ebx, information
  mov edx, ENTRY
  jmp edx

align 8
table:
  dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
table_register:
  dw table_register - table - 1
  dd table

; The loader's information: a command line, in the fifth word, is all that there is.
align 4
information:
  dd 1 << 2, 0, 0, 0, command_line
command_line: db COMMAND_LINE, 0
drive: db 0

times 510 - ($ - $$) db 0
dw 0xaa55
