; A 64 KiB ROM that plays a script of port accesses and reports what it reads, for a PC without any other firmware.
; A record is: operation (1 byte), port (2), value (4). The script is put at offset 1000h.
bits 16
org 0
start:
    cli
    cld
    mov ax, cs
    mov ds, ax
    mov si, 0x1000
next:
    lodsb
    mov bl, al
    lodsw
    mov dx, ax
    lodsd
    cmp bl, 1
    je write1
    cmp bl, 2
    je read1
    cmp bl, 3
    je write4
    cmp bl, 4
    je read4
    cmp bl, 5
    je pause
    mov dx, 0x501               ; isa-debug-exit
    out dx, al
    hlt
write1:
    out dx, al
    jmp next
write4:
    out dx, eax
    jmp next
read1:
    in al, dx
    out 0xe9, al
    jmp next
read4:
    in eax, dx
    mov cx, 4
.byte:
    out 0xe9, al
    shr eax, 8
    loop .byte
    jmp next
pause:                          ; eax microseconds at 8 ns an instruction (-icount shift=3)
    imul ecx, eax, 62
.wait:
    dec ecx
    jnz .wait
    jmp next

    times 0xfff0 - ($ - $$) db 0
    jmp 0xf000:start
    times 0x10000 - ($ - $$) db 0
