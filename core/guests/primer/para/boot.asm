; boot.asm: the notes by which a Xen domain builder knows this kernel, and the first instructions.
; The builder has mapped the image at KERNEL_BASE and more, with the rest of what it prepared
; behind it, and starts the kernel in ring 1 with paging on, events masked, flat segments, and
; ESI = the address of start_info.

KERNEL_BASE equ 0xc0000000

extern main, para_start

; A note is its name's length, its content's length, its type, the name, the content; each part
; is padded to 4 bytes (elfnote.h).
%macro note_number 2
  dd 4, 4, %1
  db 'Xen', 0
  dd %2
%endmacro

%macro note_text 2
  dd 4, %%end - %%content, %1
  db 'Xen', 0
%%content:
  db %2, 0
%%end:
  align 4, db 0
%endmacro

section .note.xen note alloc noexec nowrite align=4

  note_text 6, 'primer'               ; the guest's name
  note_text 7, '1.0'                  ; and version
  note_text 5, 'xen-3.0'              ; the interface's version
  note_number 3, KERNEL_BASE          ; where frame 0 is mapped
  note_number 4, 0                    ; the ELF file's physical addresses count from frame 0
  note_number 1, start                ; the entry
  note_number 2, hypercall_page
  note_number 12, 0xf5800000          ; the monitor may begin there, or higher
  note_text 9, 'yes'                  ; page tables have the format of PAE
  note_text 10, 'pae_pgdir_above_4gb' ; CR3 is never seen, so the tables may lie anywhere
  note_text 8, 'generic'              ; the loader

; The monitor writes one stub of 32 bytes for each hypercall here.
section .hypercall progbits alloc exec nowrite align=4096

global hypercall_page:function (4096)
hypercall_page:
  times 4096 db 0

section .text

global start:function
start:
  cld
  mov esp, boot_stack_top
  xor ebp, ebp                  ; the end of the chain of frames
  push esi
  call para_start
  push esi                      ; the builder's information
  push dword [esi]              ; the beginning of its magic text
  call main

section .bss nobits alloc noexec write align=4096

global shared_info:data (4096), descriptor_table:data (4096), boot_stack:data (4096)

; An ordinary page until para_start() maps the one that is shared with the monitor over it.
shared_info:      resb 4096

; The global descriptor table. From set_gdt on, only the monitor writes here.
descriptor_table: resb 4096

boot_stack:       resb 4096
boot_stack_top:
