/** Answers of the worker in text. */
import type { BreakOn, Breakpoint } from '../../core/protocol/breakpoints.ts';
import type { CodeRow, StopReason, View } from '../../core/protocol/messages.ts';
import type { Account, AddressView, WalkView } from '../../core/protocol/monitor.ts';
import type { DescriptorView, TlbRun, VmcsArea, VmcsField } from '../../core/protocol/questions.ts';
import { byteList, hex } from '../format.ts';
import {
  addressParts,
  entryName,
  entryValue,
  faultText,
  letters,
  mapText,
  memoryReferences,
  partValue,
  rights,
  tlbText,
} from '../panels/tables/walk.ts';
import { linearEip, type SymbolIndex } from '../symbols.ts';
import { laterText } from '../text/later.ts';
import { text } from '../text.ts';
import { place } from './data.ts';
import type { Host } from './host.ts';

/** Prose has code between backticks; here all is code. */
function plain(sentence: string): string {
  return sentence.replaceAll('`', '');
}

/** `=> c0100a1e <switch_space+0x1e>: 0f 22 d8  mov cr3,eax`; the arrow stands at the next instruction. */
export function codeLines(rows: readonly CodeRow[], next: number | null, withBytes: boolean): readonly string[] {
  const heads = rows.map(row => {
    const symbol = row.symbol === null ? '' : ` <${row.symbol}>`;
    return `${row.address === next ? '=>' : '  '} ${hex(row.address)}${symbol}:`;
  });
  const widest = Math.max(0, ...heads.map(head => head.length));
  return rows.map((row, n) => {
    const bytes = withBytes ? `  ${byteList(row.bytes).padEnd(20)}` : '';
    const what = row.bytes.length === 0 ? laterText.verbs.unmapped : row.text;
    return `${heads[n].padEnd(widest)}${bytes}  ${what}`;
  });
}

/** The next instruction, asked for where the view does not bring it. */
export async function nextLine(view: View, host: Pick<Host, 'ask' | 'symbols'>): Promise<readonly string[]> {
  const eip = linearEip(view.registers);
  const known = view.code?.find(line => line.address === eip);
  if (known !== undefined) return codeLines([known], eip, false);
  const answer = await host.ask({ kind: 'code', address: eip, count: 1 });
  if (answer.kind === 'code' && answer.rows.length > 0) return codeLines(answer.rows, eip, false);
  return [`=> ${hex(eip)}${place(eip, host.symbols())}`];
}

/** Where the machine stands: the stop's reason and the next instruction. */
export async function stopLines(view: View, host: Pick<Host, 'ask' | 'symbols'>): Promise<readonly string[]> {
  const next = await nextLine(view, host);
  const reason = reasonOf(view.stop);
  return reason === null ? next : [...reason, ...next];
}

function reasonOf(stop: StopReason): readonly string[] | null {
  const words = laterText.verbs.stops;
  switch (stop.kind) {
    case 'step':
      return null;
    case 'start':
    case 'pause':
    case 'privileged':
    case 'powerOff':
    case 'deadHalt':
      return [words[stop.kind]];
    case 'tripleFault':
    case 'unimplemented':
      return [words[stop.kind], ...stop.report.split('\n')];
    case 'breakpoint': {
      const { hit } = stop;
      if (hit === undefined) return [words.breakpoint];
      const lines = [words.hit(onText(hit.on))];
      if (hit.reason !== null) lines.push(words.because(text.said(hit.reason)));
      if (hit.before !== null && hit.after !== null) {
        lines.push(words.changed(hex(hit.before), hex(hit.after), hex(hit.by)));
      }
      return lines;
    }
  }
}

/** What a breakpoint waits for, as the verb that sets it. */
export function onText(on: BreakOn): string {
  switch (on.kind) {
    case 'execute':
      return `break ${hex(on.address)}`;
    case 'write':
      return `watch ${hex(on.address)} ${on.length}`;
    case 'access':
      return `awatch ${hex(on.address)} ${on.length}`;
    case 'exit':
      return `vmexitbp${on.reason === null ? '' : ` ${on.reason}`}`;
    case 'hypercall':
      return `catch hypercall${on.name === null ? '' : ` ${on.name}`}`;
    case 'delivery':
      return `catch interrupt${on.vector === null ? '' : ` ${on.vector}`}`;
    case 'pageFault':
      return `catch pagefault${on.address === null ? '' : ` ${hex(on.address)}`}`;
    case 'cr3':
      return 'catch cr3';
    case 'ring':
      return `modebp${on.to === null ? '' : ` ${on.to}`}`;
  }
}

function addressOf(on: BreakOn): number | null {
  return 'address' in on ? on.address : null;
}

export function breakpointLines(
  list: readonly Breakpoint[],
  hitsOf: (id: number) => number,
  symbols: SymbolIndex,
): readonly string[] {
  const words = laterText.verbs;
  if (list.length === 0) return [words.noBreakpoints];
  return list.map(({ id, on, condition, enabled, ignore }) => {
    const address = addressOf(on);
    return [
      `${id}`.padEnd(3),
      `${onText(on)}${address === null ? '' : place(address, symbols)}`,
      condition === '' ? '' : `if ${condition}`,
      enabled ? '' : words.disabled,
      ignore > 0 ? words.ignores(ignore) : '',
      words.hits(hitsOf(id)),
    ]
      .filter(part => part !== '')
      .join('  ');
  });
}

/** A page walk: each entry that was met, and where it led. */
export function walkLines(view: AddressView, isPara: boolean): readonly string[] {
  const words = laterText.walk;
  const lines: string[] = [];
  const first = view.walks[0];
  if (!view.paged) lines.push(view.walks.length === 0 ? words.unpaged : words.unpagedGuest);
  if (first !== undefined && view.paged) {
    const parts = addressParts(view.linear, first.pae, first.pageSize === 4096 ? 4096 : first.pageSize);
    lines.push(`${hex(view.linear)}: ${parts.map(part => `${words.parts[part.part]} ${partValue(part)}`).join(', ')}`);
  }
  for (const walk of view.walks) lines.push(...oneWalk(walk, view.walks.length > 1));
  const map = mapText(view, isPara);
  if (map !== null) lines.push(plain(map));
  if (view.note !== null) lines.push(plain(words.notes[view.note]));
  lines.push(`${words.tlb.label}: ${plain(tlbText(view))}`);
  return lines;
}

function oneWalk(walk: WalkView, withTitle: boolean): readonly string[] {
  const words = laterText.walk;
  const lines: string[] = withTitle ? [`${words.kinds[walk.tables]} (${words.who[walk.tables]})`] : [];
  for (const reference of walk.references) {
    const number = reference.number === null ? '-' : `${reference.number}`;
    const at = reference.address === null ? words.registerShort : `${words.columns.address} ${hex(reference.address)}`;
    const of = reference.translates === null ? '' : `  ${laterText.verbs.translating(hex(reference.translates))}`;
    lines.push(
      `  ${number.padStart(2)}  ${entryName(reference).padEnd(13)} ${at.padEnd(11)}  ${entryValue(reference).padEnd(16)}  ${letters(reference.bits, reference.level).join(' ')}${of}`,
    );
  }
  const count = words.references(memoryReferences(walk));
  if (walk.fault !== null) lines.push(`  ${plain(faultText(walk.fault))} (${count})`);
  else if (walk.physical !== null) {
    lines.push(`  → ${words.reached[walk.tables]} ${hex(walk.physical)}, ${rights(walk)} (${count})`);
  }
  return lines;
}

export function tlbLines(runs: readonly TlbRun[], dropped: number): readonly string[] {
  const words = laterText.verbs;
  if (runs.length === 0) return [words.tlbEmpty];
  const lines = runs.map(run => {
    const last = run.linear + run.pages * 0x1000 - 1;
    const kinds = `${run.read ? 'r' : '-'}${run.write ? 'w' : '-'}${run.execute ? 'x' : '-'}`;
    const more = [run.user ? words.user : words.supervisor, run.global ? words.global : ''].filter(Boolean).join(' ');
    return `${hex(run.linear)}-${hex(last)} → ${hex(run.physical)}  ${`${run.pages}`.padStart(5)} × 4 KB  ${kinds}  ${more}`;
  });
  return dropped > 0 ? [...lines, words.left(dropped)] : lines;
}

export function descriptorLines(
  table: string,
  {
    base,
    limit,
    entries,
  }: { readonly base: number; readonly limit: number; readonly entries: readonly DescriptorView[] },
  symbols: SymbolIndex,
): readonly string[] {
  const words = laterText.verbs;
  const head = `${table.toUpperCase()}  ${words.columns.base} ${hex(base)}, ${words.columns.limit} ${hex(limit, 4)}`;
  if (entries.length === 0) return [head, words.noEntries];
  return [
    head,
    ...entries.map(({ index, segment, gate, dpl, present, description }) => {
      const number = table === 'idt' ? hex(index, 2).padEnd(4) : hex(index * 8, 4);
      const where =
        gate !== null
          ? `${hex(gate.selector, 4)}:${hex(gate.offset)}${place(gate.offset, symbols)}`
          : segment === null
            ? ''
            : `${hex(segment.base)} ${words.columns.limit} ${hex(segment.limit)}`;
      return `${number}  DPL ${dpl}  ${present ? 'P' : '-'}  ${text.said(description)}  ${where}`.trimEnd();
    }),
  ];
}

export const AREAS: readonly VmcsArea[] = ['control', 'exit information', 'guest state', 'host state'];

export function vmcsValue({ bits, high, low }: VmcsField): string {
  return bits === 64 ? `${hex(high)}${hex(low)}` : hex(low, bits / 4);
}

/** Fields whose name or meaning has all words of `filter` in it. */
export function matches({ name, meaning, encoding }: VmcsField, filter: string): boolean {
  const all = `${name} ${meaning} ${encoding.toString(16)}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every(word => all.includes(word));
}

export function vmcsLines(fields: readonly VmcsField[], filter: string): readonly string[] {
  const chosen = fields.filter(field => matches(field, filter));
  if (chosen.length === 0) return [laterText.verbs.noField(filter)];
  const widest = Math.max(...chosen.map(({ name }) => name.length));
  return AREAS.flatMap(area => {
    const list = chosen.filter(field => field.area === area);
    if (list.length === 0) return [];
    return [
      `${laterText.vmcs.areas[area]}`,
      ...list.map(field => {
        const value = vmcsValue(field).padEnd(16);
        return `  ${hex(field.encoding, 4)}  ${field.name.padEnd(widest)}  ${value}  ${field.meaning}`.trimEnd();
      }),
    ];
  });
}

/** As virsh's domstats names it. */
export function statLines(account: Account): readonly string[] {
  const words = laterText.verbs;
  const { user, kernel, monitor, injected, exits } = account;
  const total = exits.reduce((sum, { count }) => sum + count, 0);
  const widest = Math.max(0, ...exits.map(({ reason }) => reason.length));
  return [
    `instructions.user.direct=${user.direct}`,
    `instructions.user.emulated=${user.emulated}`,
    `instructions.kernel.direct=${kernel.direct}`,
    `instructions.kernel.emulated=${kernel.emulated}`,
    `monitor.instructions=${monitor}`,
    `events.injected=${injected}`,
    `exits.total=${total}`,
    ...(exits.length === 0 ? [words.noExits] : []),
    ...exits.map(
      ({ reason, kind, count, monitor: cost }) =>
        `  ${reason.padEnd(widest)}  ${laterText.exits.kind[kind]}  ${count}  ${words.cost(cost)}`,
    ),
  ];
}
