; attempt.asm: u32 attempt(void (*routine)(u32 *result), u32 *result)
;
; Calls a routine that may fault, and answers 0 if it came back. If it faults, trap() sees
; attempt_landing and returns to there instead, with the vector in EAX; whatever the routine
; left on the stack is forgotten, and the answer is 256 + vector.

global attempt:function, attempt_landing:data (4)

section .text

attempt:
  push ebp
  mov ebp, esp
  push ebx
  push esi
  push edi
  mov [stack], esp
  mov dword [attempt_landing], landing
  push dword [ebp + 12]
  call [ebp + 8]
  xor eax, eax
  jmp done

landing:
  add eax, 256

done:
  mov dword [attempt_landing], 0
  mov esp, [stack]
  pop edi
  pop esi
  pop ebx
  pop ebp
  ret

section .bss nobits alloc noexec write align=4

attempt_landing: resd 1
stack:           resd 1
