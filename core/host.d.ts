/**
 * The few things that every JavaScript host of core has (web worker and Node) and that the ECMAScript library does not
 * declare. Core is compiled without the DOM library, so that nothing else of a page can slip in.
 */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number });
    readonly length: number;
    /** `exported`: a function that a module exports. */
    set(index: number, exported: ((...values: number[]) => number | undefined) | null): void;
  }
  type Imported = Memory | Table | ((...values: number[]) => number | undefined);
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, Imported>>>>);
    /** Translated modules export functions only. */
    readonly exports: Readonly<Record<string, (...values: number[]) => number | undefined>>;
  }
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes?: Uint8Array): string;
}
declare class TextEncoder {
  encode(text?: string): Uint8Array;
}
/** Not in every browser: `typeof` tells. */
declare class DecompressionStream {
  constructor(format: 'gzip');
  readonly readable: {
    getReader(): {
      read(): Promise<{ done: true; value?: undefined } | { done: false; value: Uint8Array }>;
      cancel(): Promise<void>;
    };
  };
  readonly writable: { getWriter(): { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> } };
}
