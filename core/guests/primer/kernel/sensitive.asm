; sensitive.asm: the instructions that are sensitive but not privileged. They show, or depend
; on, what only a kernel should know or decide, and yet do not fault outside ring 0 (Robin and
; Irvine, 2000). One routine each:
;
;   void sense_...(u32 *result)     result[] holds what it needs before, and what it saw after

section .text

; What the system registers hold

global sense_sgdt:function, sense_sidt:function, sense_sldt:function, sense_str:function, sense_smsw:function

sense_sgdt:                     ; result[0] = limit and low half of the base, result[1] = high half
  mov eax, [esp + 4]
  sgdt [eax]
  ret

sense_sidt:
  mov eax, [esp + 4]
  sidt [eax]
  ret

sense_sldt:
  mov eax, [esp + 4]
  sldt [eax]
  ret

sense_str:
  mov eax, [esp + 4]
  str [eax]
  ret

sense_smsw:
  mov eax, [esp + 4]
  smsw ecx
  mov [eax], ecx
  ret

; The flags: IF and IOPL

global sense_pushf:function, sense_popf:function, sense_iret:function

sense_pushf:
  mov eax, [esp + 4]
  pushf
  pop dword [eax]
  ret

sense_popf:                     ; result[0] = the flags to load
  mov eax, [esp + 4]
  push dword [eax]
  popf
  nop                           ; an interrupt that waited comes before this
  ret

sense_iret:                     ; result[0] = the flags to load
  mov eax, [esp + 4]
  push dword [eax]
  push cs
  push dword .here
  iret
.here:
  nop
  ret

; What a descriptor permits, seen from the current privilege level

global sense_lar:function, sense_lsl:function, sense_verr:function, sense_verw:function

sense_lar:                      ; result[0] = a selector; then the access rights, and result[1] = ZF
  mov eax, [esp + 4]
  mov ecx, [eax]
  xor edx, edx
  lar edx, ecx
  jmp keep_edx_and_zf

sense_lsl:                      ; the same with the limit
  mov eax, [esp + 4]
  mov ecx, [eax]
  xor edx, edx
  lsl edx, ecx

keep_edx_and_zf:
  mov [eax], edx
  setz cl
  movzx ecx, cl
  mov [eax + 4], ecx
  ret

sense_verr:                     ; result[0] = a selector; then ZF
  mov eax, [esp + 4]
  mov ecx, [eax]
  verr cx
  jmp keep_zf

sense_verw:
  mov eax, [esp + 4]
  mov ecx, [eax]
  verw cx

keep_zf:
  setz cl
  movzx ecx, cl
  mov [eax], ecx
  ret

; Segment registers, whose low two bits are the privilege level

global sense_push:function, sense_mov_from:function, sense_mov_to:function, sense_pop:function

sense_push:                     ; result[0] = CS, result[1] = SS
  mov eax, [esp + 4]
  push cs
  pop dword [eax]
  push ss
  pop dword [eax + 4]
  ret

sense_mov_from:
  mov eax, [esp + 4]
  mov ecx, cs
  mov [eax], ecx
  mov ecx, ss
  mov [eax + 4], ecx
  ret

sense_mov_to:                   ; result[0] = a selector for SS
  mov eax, [esp + 4]
  mov ecx, [eax]
  mov ss, ecx
  ret

sense_pop:
  mov eax, [esp + 4]
  push dword [eax]
  pop ss
  ret

; Far transfers, which check and save CS ------------------------------------------------------------------------------------

global sense_call:function, sense_jmp:function, sense_int:function, sense_ret:function

sense_call:                     ; result[0] = a code selector; then the CS that the call saved
  mov eax, [esp + 4]
  push dword [eax]
  push dword .there
  call far [esp]
  add esp, 8
  ret
.there:
  mov ecx, [esp + 4]
  mov [eax], ecx
  retf

sense_jmp:                      ; result[0] = a code selector; then CS after the jump
  mov eax, [esp + 4]
  push dword [eax]
  push dword .there
  jmp far [esp]
.there:
  add esp, 8
  mov ecx, cs
  mov [eax], ecx
  ret

sense_int:                      ; the handler, probe_interrupt(), keeps the CS that the processor saved
  int 0x81
  ret

sense_ret:                      ; result[0] = a code selector; then CS after the return
  mov eax, [esp + 4]
  push dword [eax]
  push dword .there
  retf
.there:
  mov ecx, cs
  mov [eax], ecx
  ret
