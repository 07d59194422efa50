/**
 * The few things that every JavaScript host of core has (web worker and Node) and that the ECMAScript library does not
 * declare. Core is compiled without the DOM library, so that nothing else of a page can slip in.
 */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes?: Uint8Array): string;
}
declare class TextEncoder {
  encode(text?: string): Uint8Array;
}
