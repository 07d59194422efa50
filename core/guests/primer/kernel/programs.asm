; programs.asm: the programs of user/, as ELF files. build.sh links them first.

global shell_elf:data, counter_elf:data

section .rodata align=16

shell_elf:   incbin "shell.elf"
  align 16
counter_elf: incbin "counter.elf"
