/**
 * An exception on its way to the guest's handler. It is thrown from wherever the access or check failed and caught by
 * the run loop, which delivers it. One object for all: throwing allocates nothing.
 */
export class Fault {
  vector = 0;
  /** Error code, or null for vectors that push none. */
  code: number | null = null;
  /** Linear address of a page fault, for CR2. */
  address = 0;
  /** A task switch had begun the new task: EIP is that task's, and no instruction's to be restarted. */
  inNewTask = false;

  /** An instruction raises it; `code` null for vectors that push none. */
  set(vector: number, code: number | null): void {
    this.vector = vector;
    this.code = code;
    this.inNewTask = false;
  }
}

/** The machine cannot go on: not an exception of the guest, but the end of its run. */
export class MachineStop extends Error {
  override readonly name = 'MachineStop';
  readonly kind: 'tripleFault' | 'unimplemented';
  constructor(kind: 'tripleFault' | 'unimplemented', message: string) {
    super(message);
    this.kind = kind;
  }
}
