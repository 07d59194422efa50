/**
 * A multiboot kernel that runs a ten-instruction register loop and marks its beginning and end on the serial line: B, then E.
 */
const LOAD_ADDRESS = 0x100000;
const HEADER_BYTES = 32;

/** Instructions in one turn of the loop. */
export const LOOP_INSTRUCTIONS = 10;

function word(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

/** Sends a character to COM1. */
function send(character: string): number[] {
  // mov dx,0x3f8; mov al,character; out dx,al
  return [0x66, 0xba, 0xf8, 0x03, 0xb0, character.charCodeAt(0), 0xee];
}

/** The image; `turns` is how often the loop runs. */
export function loopImage(turns: number): Uint8Array {
  const magic = 0x1badb002;
  // Bit 16: the address fields of the header are valid, so this is no ELF file.
  const flags = 0x10000;
  const code = [
    0xfa, // cli
    ...send('B'),
    ...[0xb8, ...word(1)], // mov eax,1
    ...[0xbb, ...word(0x12345)], // mov ebx,0x12345
    ...[0x31, 0xd2], // xor edx,edx
    ...[0xb9, ...word(turns)], // mov ecx,turns
    // loop:
    ...[0x01, 0xd8], // add eax,ebx
    ...[0x31, 0xc2], // xor edx,eax
    ...[0x89, 0xd6], // mov esi,edx
    ...[0xc1, 0xee, 0x03], // shr esi,3
    ...[0x29, 0xf0], // sub eax,esi
    ...[0x8d, 0x7c, 0x06, 0x07], // lea edi,[esi+eax+7]
    ...[0x21, 0xfb], // and ebx,edi
    ...[0x83, 0xcb, 0x05], // or ebx,5
    0x49, // dec ecx
    ...[0x75, 0xe9], // jnz loop
    ...send('E'),
    0xf4, // hlt
  ];
  const size = HEADER_BYTES + code.length;
  const header = [
    ...word(magic),
    ...word(flags),
    ...word(-(magic + flags) >>> 0),
    ...word(LOAD_ADDRESS), // header address
    ...word(LOAD_ADDRESS), // load address
    ...word(LOAD_ADDRESS + size), // end of what is loaded
    ...word(LOAD_ADDRESS + size), // end of bss
    ...word(LOAD_ADDRESS + HEADER_BYTES), // entry
  ];
  return Uint8Array.from([...header, ...code]);
}
