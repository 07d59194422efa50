/** Words about page walks, page tables and translated code. */
export const walk = {
  label: 'Page walk',
  goTo: 'Walk of an address',
  clear: 'Close',
  aside: (address: string, ring: string) => `${address} · read · ${ring}`,
  empty:
    'Click an address in the registers, or Alt+click one in code or memory (`w` on the keyboard), to see how the processor finds it.',
  unpaged: 'Paging is off: the linear address is the physical one.',
  unpagedGuest: 'The guest has paging off: its linear addresses are its physical ones.',
  waiting: 'The walk is on its way.',
  /** Whose tables are walked. */
  kinds: {
    guest: 'Guest’s tables',
    shadow: 'Shadow tables',
    nested: 'Guest’s tables under EPT',
    machine: 'Page tables',
  },
  who: {
    guest: 'what the guest believes',
    shadow: 'what the processor walks',
    nested: 'what the processor walks',
    machine: 'what the processor walks',
  },
  para: 'The guest’s own tables hold machine addresses, and the monitor has validated every entry; CR3 and physical memory count by them as well. Pseudo-physical is the guest’s own numbering: the frames that it was given, in a row from 0.',
  pseudoShort: (address: string) => `pseudo ${address}`,
  pseudoHint: 'Pseudo-physical: the guest’s own numbering of the frames that it was given',
  reachedFrame: 'machine',
  /** What a physical address is, in the panel that shows memory. */
  physicalKinds: {
    bare: 'Physical addresses of the machine',
    guest:
      'Guest-physical addresses: what the guest takes for physical. Where they lie in the machine, the page walk tells.',
    para: 'Machine addresses: a paravirtualized guest counts by the frames that it was given. The pseudo-physical number stands in the page walk.',
  },
  /** Entries by the manual’s names. */
  entries: {
    'page directory pointer': 'PDPTE',
    'page directory': 'PDE',
    'page table': 'PTE',
    'EPT PML4': 'EPT PML4E',
    'EPT page directory pointer': 'EPT PDPTE',
    'EPT page directory': 'EPT PDE',
    'EPT page table': 'EPT PTE',
  },
  levels: {
    'page directory pointer': 'page directory pointer table',
    'page directory': 'page directory',
    'page table': 'page table',
    'EPT PML4': 'EPT PML4 table',
    'EPT page directory pointer': 'EPT page directory pointer table',
    'EPT page directory': 'EPT page directory',
    'EPT page table': 'EPT page table',
  },
  /** Under the digits of an address, in the strip. */
  parts: { pointer: 'ptr', directory: 'directory', table: 'table', offset: 'offset' },
  stripBits: (high: number, low: number, part: string, value: string) => `bits ${high} to ${low}: ${part} ${value}`,
  strip: (address: string, parts: string) => `Linear address ${address}. ${parts}.`,
  columns: { number: 'no.', entry: 'entry', address: 'at', value: 'value', bits: 'bits' },
  register: 'A PDPTE register, loaded with CR3: no memory reference',
  registerShort: 'register',
  showEntry: (address: string) => `Show ${address} in physical memory`,
  liesAt: (address: string) => `lies at machine ${address}`,
  translating: (address: string, what: string) => `guest-physical ${address}, ${what}:`,
  ofEntry: (entry: string) => `where the ${entry} lies`,
  ofPage: 'the page',
  references: (n: number) => (n === 1 ? '1 memory reference' : `${n} memory references`),
  reached: {
    guest: 'guest-physical',
    shadow: 'machine',
    nested: 'machine',
    machine: 'physical',
  },
  size: { 4096: '4 KB page', 2097152: '2 MB page', 4194304: '4 MB page' } as Readonly<Record<number, string>>,
  rights: { write: 'read/write', read: 'read-only', user: 'user', supervisor: 'supervisor', noExecute: 'no execute' },
  mapped: (guest: string, machine: string) =>
    `The monitor has put guest-physical \`${guest}\` at machine \`${machine}\`.`,
  pseudo: (guest: string) => `To the guest this frame is pseudo-physical \`${guest}\`.`,
  nowhere: (guest: string) => `No RAM is behind guest-physical \`${guest}\`: a device answers, or nobody.`,
  tlb: {
    label: 'TLB',
    none: 'no entry: the next access walks',
    kinds: { read: 'read', write: 'write', execute: 'execute' },
    leads: (kinds: string, address: string) => `${kinds} → \`${address}\``,
    monitor: 'empty: the monitor has it now',
  },
  fault: {
    page: (code: string, words: string) => `Page fault, error code ${code}: ${words}`,
    /** What the bits of the error code say (SDM volume 3, 4.7). */
    absent: (who: string, access: string) => `${who} ${access} where an entry is not present.`,
    denied: (who: string, access: string) => `${who} ${access} that the entries do not allow.`,
    reserved: (who: string, access: string) => `${who} ${access}, and a reserved bit is set in an entry.`,
    user: 'a user',
    supervisor: 'a supervisor',
    read: 'read',
    write: 'write',
    fetch: 'instruction fetch',
    'EPT violation': (address: string) =>
      `EPT violation: no entry lets guest-physical \`${address}\` be read. A VM exit follows, and the monitor asks a device.`,
    'EPT misconfiguration': (address: string) => `EPT misconfiguration at guest-physical \`${address}\`: a VM exit.`,
  },
  /** Between the guest's tables and their shadow. */
  notes: {
    missing:
      'In the guest’s tables, but not yet in the shadow: the first use is a hidden page fault, which the monitor mends and the guest never sees.',
    partial: 'Some pages of it are in the shadow; others follow when they are used first.',
    traced:
      'The guest may write here, the machine may not: the page holds page tables or translated code, so each write traps and the monitor sees it.',
    clean:
      'Read-only in the shadow until the first write: that traps, and the monitor sets the dirty bit in the guest’s entry.',
    device: 'No RAM is behind it. It stays out of the shadow, so that each access traps and a device answers.',
    monitor: 'The monitor’s own pages. Segment limits keep the guest below them.',
  },
  noteNames: {
    missing: 'missing',
    partial: 'partly',
    traced: 'traced',
    clean: 'not dirty',
    device: 'device',
    monitor: 'monitor',
  },
  /** The letters of an entry's bits. */
  bits: {
    P: 'present',
    R: 'readable',
    W: 'writable',
    X: 'executable',
    U: 'user may use it',
    A: 'accessed',
    D: 'dirty: written to',
    XD: 'execute-disable',
    G: 'global: outlives a load of CR3 in the TLB',
    PS: 'page size: maps a large page itself',
  },
  absent: 'not present',
};

export const tables = {
  label: 'Page tables',
  show: 'Show',
  hide: 'Hide',
  none: 'There are no page tables under this mode yet: the guest has paging off.',
  roots: {
    guest: 'Guest’s tables',
    shadow: 'Shadow tables',
    nested: 'EPT: guest-physical to machine',
    machine: 'Machine’s tables',
  },
  root: (level: string, address: string) => `${level} at ${address}`,
  registers: 'PDPTE registers',
  range: (first: string, last: string) => `${first}–${last}`,
  entries: (first: number, count: number) => (count === 1 ? `[${first}]` : `[${first}…${first + count - 1}]`),
  emptyTable: 'no entry is present',
  hint: 'Arrow keys move, → opens, ← closes, Enter shows the walk',
};

export const translation = {
  guest: 'Guest’s code',
  cache: 'Translation cache',
  unit: (guest: string, cache: string) => `${guest} → ${cache}`,
  kinds: { ident: 'same', inline: 'inline', callout: 'calls monitor', control: 'stays in cache' },
  kindHints: {
    ident: 'Copied: the instruction does the same in ring 1.',
    inline: 'Replaced by instructions that work on the virtual processor’s state, without the monitor.',
    callout: 'Replaced by a call of the monitor, which emulates the instruction.',
    control: 'A transfer of control, made anew so that it leads to other translations.',
  },
  pair: (n: number) => `pair ${n}`,
  nothing: 'nothing: the code that follows stands in its place',
  none: 'Nothing is translated here yet. The monitor translates when the kernel comes by, and ring 3 runs as it is.',
  machineHere: 'machine stands here',
  guestHere: 'guest stands here',
};
