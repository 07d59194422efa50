; enter.asm: u32 enter_guest(bool resume)
;
; VMLAUNCH or VMRESUME with the general registers of `guest`, and the way back: a VM exit loads
; ESP and EIP from the VMCS and leaves the general registers as the guest had them (SDM volume
; 3, 27.5). Answers the status flags if the instruction fails, or -1 after an exit.

HOST_RSP equ 0x6c14
HOST_RIP equ 0x6c16

extern guest, exit_flags, exit_gdtr, exit_idtr
global enter_guest:function, exit_landing:function

section .text

enter_guest:
  push ebp
  push ebx
  push esi
  push edi
  mov eax, HOST_RSP
  vmwrite eax, esp
  mov eax, HOST_RIP
  mov ecx, exit_landing
  vmwrite eax, ecx
  cmp byte [esp + 20], 0        ; the MOVs below leave the flags alone
  mov eax, [guest + 0]
  mov ecx, [guest + 4]
  mov edx, [guest + 8]
  mov ebx, [guest + 12]
  mov ebp, [guest + 16]
  mov esi, [guest + 20]
  mov edi, [guest + 24]
  jne .resume
  vmlaunch
  jmp .failed
.resume:
  vmresume
.failed:
  pushfd
  pop eax
  and eax, 0x8d5
  jmp out

exit_landing:
  mov [guest + 0], eax
  mov [guest + 4], ecx
  mov [guest + 8], edx
  mov [guest + 12], ebx
  mov [guest + 16], ebp
  mov [guest + 20], esi
  mov [guest + 24], edi
  pushfd
  pop dword [exit_flags]
  sgdt [exit_gdtr]
  sidt [exit_idtr]
  cld
  mov eax, -1
out:
  pop edi
  pop esi
  pop ebx
  pop ebp
  ret
