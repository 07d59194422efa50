; entry.asm: the way into a test's state and the way out of it.
;
; A test's segments, stack and privilege level are anything at all. So the way out uses nothing of them: until DS is the
; kernel's, debug registers 0 to 2 keep what would be lost. What the processor has pushed lies on the test's own stack if
; the test ran in ring 0, and is read from there as the processor wrote it.

KERNEL_CODE equ 0x08
KERNEL_DATA equ 0x10
VM equ 1 << 17
NT equ 1 << 14

extern state, kernel_stack, double_fault
global launch:function, entries:data, launch_first, launch_last, double_fault_entry

; struct state of kernel.h
EIP equ state + 32
EFLAGS equ state + 36
SEGMENTS equ state + 40           ; ES, CS, SS, DS, FS, GS
VECTOR equ state + 64
ERROR equ state + 68
DR6_AFTERWARDS equ state + 92
DR7_AFTERWARDS equ state + 96
LOADS_FS_GS equ state + 108
SETTLED equ state + 112
SETTLED_TRAP equ state + 116
FIRST_DR7 equ state + 120
FRAME equ state + 156            ; with room below for what an IRET that faults pushes

section .text

; Makes the processor's state the one in `state`, and comes back when an exception has been taken, with the state as it was then.
launch:
  pushad
  mov [kernel_stack], esp
  xor eax, eax                  ; a fault on the way shows nothing of the kernel's
  xor ecx, ecx
  xor edx, edx
  xor ebx, ebx
  xor ebp, ebp
  xor esi, esi
  xor edi, edi
launch_first:
  test dword [EFLAGS], VM
  jnz .virtual
  cmp dword [LOADS_FS_GS], 0
  je .stack
  mov fs, [SEGMENTS + 16]
  mov gs, [SEGMENTS + 20]
.stack:
  test dword [SEGMENTS + 4], 3
  jnz .outer
  mov ss, [SEGMENTS + 8]
  mov esp, [state + 16]
  push dword [EFLAGS]
  push dword [SEGMENTS + 4]
  push dword [EIP]
  jmp .registers
.virtual:
  mov esp, FRAME
  mov eax, KERNEL_DATA
  mov es, eax
  jmp .general
.outer:
  mov esp, FRAME
.registers:
  mov es, [SEGMENTS]
.general:
  mov eax, [FIRST_DR7]
  cmp eax, 0x400
  je .no_watch
  mov dr7, eax
.no_watch:
  mov eax, [state]
  mov ecx, [state + 4]
  mov edx, [state + 8]
  mov ebx, [state + 12]
  mov ebp, [state + 20]
  mov esi, [state + 24]
  mov edi, [state + 28]
  test dword [EFLAGS], VM
  jnz .go
  mov ds, [SEGMENTS + 12]
.go:
  iretd
launch_last:

%macro entry 1
entry_%1:
  mov dr0, eax
  mov eax, %1
  jmp out
%endmacro

%assign vector 0
%rep 32
  entry vector
%assign vector vector + 1
%endrep

out:
  mov dr1, ebx
  mov ebx, ds
  mov dr2, ebx
  mov ebx, KERNEL_DATA
  mov ds, ebx
  mov [VECTOR], eax
  mov eax, dr0
  mov [state], eax
  mov [state + 4], ecx
  mov [state + 8], edx
  mov eax, dr1
  mov [state + 12], eax
  mov [state + 20], ebp
  mov [state + 24], esi
  mov [state + 28], edi
  mov eax, es
  mov [SEGMENTS], eax
  mov eax, ss
  mov [SEGMENTS + 8], eax
  mov edx, dr2
  mov [SEGMENTS + 12], edx
  mov edx, fs
  mov [SEGMENTS + 16], edx
  mov edx, gs
  mov [SEGMENTS + 20], edx

; A stack whose descriptor has B clear is addressed by SP. ESI: which bits of ESP count.
  mov eax, dr6
  mov [DR6_AFTERWARDS], eax
  mov eax, dr7
  mov [DR7_AFTERWARDS], eax
  mov ecx, 0x400
  cmp eax, ecx
  je .watches_nothing
  mov dr7, ecx
.watches_nothing:
  mov eax, ss
  mov ecx, esp
  mov edi, esp
  mov esi, -1
  lar edx, eax
  jnz .wide
  test edx, 1 << 22
  jnz .wide
  mov esi, 0xffff
  and ecx, esi
.wide:
  xor ebx, ebx
  mov eax, [VECTOR]
  bt dword [with_error], eax
  jnc .no_error
  mov ebx, [ss:ecx]
  add ecx, 4
  and ecx, esi
.no_error:
  mov [ERROR], ebx
  mov eax, [ss:ecx]
  mov [EIP], eax
  add ecx, 4
  and ecx, esi
  mov eax, [ss:ecx]
  and eax, 0xffff
  mov [SEGMENTS + 4], eax
  mov ebx, eax
  add ecx, 4
  and ecx, esi
; Flags that are the processor's own affair become 0, on the test's stack as well.
  mov edx, [SETTLED]
  cmp dword [VECTOR], 1
  jne .settled
  mov edx, [SETTLED_TRAP]
.settled:
  mov eax, [ss:ecx]
  and eax, edx
  mov [ss:ecx], eax
  mov [EFLAGS], eax
  add ecx, 4
  and ecx, esi
  test eax, VM
  jnz .from_virtual
  test ebx, 3
  jnz .from_outer
  not esi
  and edi, esi
  or ecx, edi
  mov [state + 16], ecx
  jmp .done
.from_virtual:
  movzx eax, word [ss:ecx + 8]
  mov [SEGMENTS], eax
  movzx eax, word [ss:ecx + 12]
  mov [SEGMENTS + 12], eax
  movzx eax, word [ss:ecx + 16]
  mov [SEGMENTS + 16], eax
  movzx eax, word [ss:ecx + 20]
  mov [SEGMENTS + 20], eax
.from_outer:
  mov eax, [ss:ecx]
  mov [state + 16], eax
  movzx eax, word [ss:ecx + 4]
  mov [SEGMENTS + 8], eax
.done:
  mov eax, KERNEL_DATA
  mov es, eax
  mov ss, eax
  mov esp, [kernel_stack]
  cld
  popad
  ret

; The double fault is a task's: it comes when a stack cannot be used.
double_fault_entry:
  pop dword [ERROR]
  mov eax, dr6
  mov [DR6_AFTERWARDS], eax
  mov eax, dr7
  mov [DR7_AFTERWARDS], eax
  mov eax, 0x400
  mov dr7, eax
  mov dword [VECTOR], 8
  call double_fault
  pushfd
  and dword [esp], ~NT
  popfd
  mov esp, [kernel_stack]
  popad
  ret

section .rodata

align 4
with_error: dd 1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17
entries:
%assign vector 0
%rep 32
  dd entry_%[vector]
%assign vector vector + 1
%endrep
