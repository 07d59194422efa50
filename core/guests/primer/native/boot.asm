; boot.asm: the first instructions. A multiboot loader has put the image at 1 MB of physical
; memory and starts it in flat 32-bit protected mode, with paging and interrupts off, EAX =
; 0x2badb002 and EBX = the address of its information.
;
; The kernel is linked to run at KERNEL_BASE + 1 MB. So this code, which runs at 1 MB, maps the
; first 16 MB of memory twice, at 0 and at KERNEL_BASE, switches paging on, and jumps up.
; spaces_start() makes better tables later.

KERNEL_BASE equ 0xc0000000
KERNEL_CODE equ 0x08

LARGE_PAGE equ 0x83             ; present, writable, 2 MB
CR4_PAE    equ 1 << 5
CR0_PG     equ 1 << 31          ; paging
CR0_WP     equ 1 << 16          ; the kernel, too, cannot write to read-only pages: copy-on-write needs it
CR0_EM     equ 1 << 2           ; there is no FPU: the kernel does not save its registers, so its instructions fault

%define physical(symbol) ((symbol) - KERNEL_BASE)

extern main

section .boot progbits alloc exec nowrite align=4

; The multiboot 1 header: within the first 8 KB, aligned to 4 bytes, the three words add up to
; 0.
MAGIC equ 0x1badb002
FLAGS equ 1 << 1                ; please tell how much memory there is
  dd MAGIC, FLAGS, -(MAGIC + FLAGS)

global start:function, no_pae:function
start:
  mov esp, physical(boot_stack_top)
  mov esi, eax                  ; CPUID overwrites EAX and EBX
  mov edi, ebx

  mov eax, 1
  cpuid
  test edx, 1 << 6              ; PAE
  jz no_pae

  ; The page directory: entry i maps the 2 MB from i * 2 MB.
  mov ebx, physical(boot_directory)
  mov eax, LARGE_PAGE
  mov ecx, 8
.next_entry:
  mov [ebx], eax
  add eax, 0x200000
  add ebx, 8
  loop .next_entry

  ; The page-directory-pointer table: entry 0 for address 0, entry 3 for KERNEL_BASE.
  mov dword [physical(boot_pointers)], physical(boot_directory) + 1
  mov dword [physical(boot_pointers) + 3 * 8], physical(boot_directory) + 1

  mov eax, cr4
  or eax, CR4_PAE
  mov cr4, eax
  mov eax, physical(boot_pointers)
  mov cr3, eax
  mov eax, cr0
  or eax, CR0_PG | CR0_WP | CR0_EM
  mov cr0, eax

  mov eax, high
  jmp eax

; Without PAE there is nothing to run on: say so on the serial line, by hand, and stop.
no_pae:
  mov esi, .message
.next_character:
  lodsb
  test al, al
  jz .stop
  mov bl, al
  mov dx, 0x3fd
.wait:
  in al, dx
  test al, 0x20
  jz .wait
  mov al, bl
  mov dx, 0x3f8
  out dx, al
  jmp .next_character
.stop:
  cli
  hlt
  jmp .stop
.message:
  db 'primer needs a processor with PAE', 13, 10, 0

section .text

global high:function
high:
  mov esp, boot_stack_top
  xor ebp, ebp                  ; the end of the chain of frames
  push edi                      ; the loader's information
  push esi                      ; the loader's magic number
  call main

section .bss nobits alloc noexec write align=4096

global boot_pointers:data (4096), boot_directory:data (4096), boot_stack:data (4096)

boot_pointers:  resb 4096
boot_directory: resb 4096
boot_stack:     resb 4096
boot_stack_top:
