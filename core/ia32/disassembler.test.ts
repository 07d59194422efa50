import { describe, expect, it } from 'vitest';
import { decode } from './decoder.ts';
import { format, type SymbolOf } from './disassembler.ts';

function disassemble(hex: string, codeSize: 2 | 4 = 4, symbol?: SymbolOf): string {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const i = decode({ byte: offset => bytes[offset] }, 0, codeSize);
  return format(i, 0x1000, symbol);
}

describe('32-bit code', () => {
  it.each([
    ['8b 43 04', 'mov eax,[ebx+4]'],
    ['83 00 01', 'add dword [eax],1'],
    ['66 83 00 f0', 'add word [eax],0xfff0'],
    ['f0 01 44 8b f8', 'lock add [ebx+ecx*4-8],eax'],
    ['8b 04 8d 00 10 10 c0', 'mov eax,[ecx*4+0xc0101000]'],
    ['26 8b 05 44 33 22 11', 'mov eax,[es:0x11223344]'],
    ['3e 8b 45 00', 'mov eax,[ds:ebp]'],
    ['a1 44 33 22 11', 'mov eax,[0x11223344]'],
    ['67 8b 42 10', 'mov eax,[bp+si+0x10]'],
    ['67 8b 42 f0', 'mov eax,[bp+si-0x10]'],
    ['d2 20', 'shl byte [eax],cl'],
    ['d1 e0', 'shl eax,1'],
    ['0f a5 08', 'shld [eax],ecx,cl'],
    ['0f b6 03', 'movzx eax,byte [ebx]'],
    ['6b c0 fb', 'imul eax,eax,0xfffffffb'],
    ['f3 a5', 'rep movsd'],
    ['f3 66 ab', 'rep stosw'],
    ['f2 ae', 'repne scasb'],
    ['f3 a6', 'repe cmpsb'],
    ['64 ac', 'fs lodsb'],
    ['f3 6e', 'rep outsb'],
    ['64 d7', 'fs xlatb'],
    ['eb fe', 'jmp 0x1000'],
    ['e8 00 01 00 00', 'call 0x1105'],
    ['0f 85 00 f0 ff ff', 'jne 6'],
    ['e3 00', 'jecxz 0x1002'],
    ['67 e3 00', 'jcxz 0x1003'],
    ['ea 44 33 22 11 08 00', 'jmp 8:0x11223344'],
    ['ff 18', 'call dword far [eax]'],
    ['ff 10', 'call dword [eax]'],
    ['c8 10 00 02', 'enter 0x10,2'],
    ['cf', 'iretd'],
    ['66 9c', 'pushf'],
    ['60', 'pushad'],
    ['98', 'cwde'],
    ['66 99', 'cwd'],
    ['f3 90', 'pause'],
    ['90', 'nop'],
    ['0f 1f 40 00', 'nop dword [eax]'],
    ['8c d8', 'mov eax,ds'],
    ['8e 18', 'mov ds,[eax]'],
    ['0f 22 d8', 'mov cr3,eax'],
    ['0f 21 f8', 'mov eax,dr7'],
    ['0f 01 10', 'lgdt [eax]'],
    ['0f 01 38', 'invlpg [eax]'],
    ['0f 9c 00', 'setl byte [eax]'],
    ['0f 4f c1', 'cmovg eax,ecx'],
    ['ec', 'in al,dx'],
    ['e7 80', 'out 0x80,eax'],
    ['d9 03', 'fld dword [ebx]'],
    ['db 2b', 'fld tword [ebx]'],
    ['dc 03', 'fadd qword [ebx]'],
    ['dc c1', 'fadd st1,st0'],
    ['de 03', 'fiadd word [ebx]'],
    ['db c9', 'fcmovne st0,st1'],
    ['df e0', 'fnstsw ax'],
    ['dd 33', 'fnsave [ebx]'],
    ['0f fc 4b 08', 'paddb mm1,qword [ebx+8]'],
    ['0f 60 c1', 'punpcklbw mm0,mm1'],
    ['0f 6e c8', 'movd mm1,eax'],
    ['0f 71 d3 04', 'psrlw mm3,4'],
    ['66 0f 73 fa 08', 'pslldq xmm2,8'],
    ['0f 28 03', 'movaps xmm0,oword [ebx]'],
    ['f2 0f 11 04 24', 'movsd qword [esp],xmm0'],
    ['f3 0f 58 c8', 'addss xmm1,xmm0'],
    ['0f c2 ca 01', 'cmpps xmm1,xmm2,1'],
    ['0f 12 c1', 'movhlps xmm0,xmm1'],
    ['0f 12 03', 'movlps xmm0,qword [ebx]'],
    ['f2 0f 2d c1', 'cvtsd2si eax,xmm1'],
    ['66 0f d7 c1', 'pmovmskb eax,xmm1'],
    ['0f ae 13', 'ldmxcsr dword [ebx]'],
    ['0f ae f8', 'sfence'],
    ['0f 18 03', 'prefetchnta [ebx]'],
    ['db 0b', 'fisttp dword [ebx]'],
    ['0f 0b', 'ud2'],
    ['0f 04', '(bad)'],
    ['f0 90', '(bad)'],
    ['66'.repeat(16), '(too long)'],
  ])('%s is %s', (hex, text) => {
    expect(disassemble(hex)).toBe(text);
  });
});

describe('16-bit code', () => {
  it.each([
    ['e9 00 f0', 'jmp 3'],
    ['a1 34 f2', 'mov ax,[0xf234]'],
    ['ea 5b e0 00 f0', 'jmp 0xf000:0xe05b'],
    ['cf', 'iret'],
    ['60', 'pusha'],
    ['a5', 'movsw'],
    ['67 66 8b 04 24', 'mov eax,[esp]'],
  ])('%s is %s', (hex, text) => {
    expect(disassemble(hex, 2)).toBe(text);
  });
});

describe('symbols', () => {
  const symbol: SymbolOf = address => {
    if (address === 0xc0101000) return 'jiffies';
    return address >= 0x1000 && address < 0x2000 ? `main+0x${(address - 0x1000).toString(16)}` : null;
  };

  it.each([
    ['e8 00 01 00 00', 'call 0x1105 <main+0x105>'],
    ['e8 00 10 00 00', 'call 0x2005'],
    ['a1 00 10 10 c0', 'mov eax,[0xc0101000 <jiffies>]'],
    ['64 a1 00 10 10 c0', 'mov eax,[fs:0xc0101000]'],
    ['b8 00 10 10 c0', 'mov eax,0xc0101000'],
  ])('%s is %s', (hex, text) => {
    expect(disassemble(hex, 4, symbol)).toBe(text);
  });
});
