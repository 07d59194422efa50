; switch.asm: void switch_stack(u32 *save_here, u32 go_there)
;
; A process that does not run has all it needs on its kernel stack; this exchanges the stacks.
; The caller expects EBX, ESI, EDI and EBP to be kept, so they go onto the old stack and come
; from the new one. RET then returns to whoever called switch_stack() on the new stack.

global switch_stack:function

section .text

switch_stack:
  mov eax, [esp + 4]
  mov edx, [esp + 8]
  push ebp
  push ebx
  push esi
  push edi
  mov [eax], esp
  mov esp, edx
  pop edi
  pop esi
  pop ebx
  pop ebp
  ret
