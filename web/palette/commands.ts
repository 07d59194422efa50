/** Everything that the page can be told to do, by name. */
import { chooseLanguage } from '../app/language.ts';
import { hex } from '../format.ts';
import { type PageGuest, primer, vmxtest } from '../guests.ts';
import { fetchImages } from '../images.ts';
import { chordOf } from '../keys.ts';
import {
  canGoOn,
  goBack,
  pause,
  reset,
  run,
  saveSnapshot,
  saveTrace,
  step,
  toggleBreakpoint,
  whyNotBack,
} from '../machine.ts';
import { chooseMode, obstacle } from '../mode-choice.ts';
import { MODES } from '../modes.ts';
import { isNarrow } from '../narrow.ts';
import { openGuest, openSnapshot } from '../opening.ts';
import { enter, focusVerbs } from '../panels/verbs/log.ts';
import { BOTTOM_TABS, showBottom } from '../stores/bottom.ts';
import { dialogs } from '../stores/dialogs.ts';
import { looks } from '../stores/looks.ts';
import { machine, symbolsOf } from '../stores/machine.ts';
import { toggleOpen } from '../stores/parts.ts';
import { settings } from '../stores/settings.ts';
import { sheet } from '../stores/sheet.ts';
import { startTour } from '../stores/tour.ts';
import { walkTo } from '../stores/walk.ts';
import { goToCode, showTab, type Tab, windows } from '../stores/windows.ts';
import { type LaterText, laterText } from '../text/later.ts';
import { LANGUAGE_NAMES, LANGUAGES, text } from '../text.ts';
import { runUntilNext, UNTIL_KINDS } from '../until.ts';
import { findVerb, VERBS } from '../verbs/table.ts';
import { splitLine } from '../verbs/words.ts';

export type CommandGroup = keyof LaterText['palette']['groups'];

export interface Command {
  /** Remembered among the recent ones; letters of any language are looked for in it, too. */
  readonly id: string;
  readonly group: CommandGroup;
  readonly label: string;
  readonly hint?: string;
  readonly chord?: string;
  /** Why it cannot be done now. */
  readonly obstacle?: string | null;
  readonly run: () => void;
}

/** All that there are at the moment. `images`: guests on this computer. */
export function allCommands(images: readonly PageGuest[]): readonly Command[] {
  return [...running(), ...backwards(), ...modes(), ...guests(images), ...panels(), ...page()];
}

function running(): readonly Command[] {
  const words = text.run;
  const until = laterText.breaks.until;
  const view = machine.getState().view;
  const stands = canGoOn() ? null : laterText.palette.notNow;
  const command = (
    id: string,
    label: string,
    hint: string,
    chord: string,
    act: () => void,
    why: string | null = stands,
  ): Command => ({ id, group: 'run', label, hint, chord, obstacle: why, run: act });
  return [
    command('step', words.step, words.stepHint, chordOf('step'), () => step('into')),
    command('over', words.over, words.overHint, chordOf('over'), () => step('over')),
    command('out', words.out, words.outHint, chordOf('out'), () => step('out')),
    command('trap', words.trap, words.trapHint, chordOf('trap'), () => step('trap')),
    command('machine-step', words.machine, words.machineHint, chordOf('machine'), () => step('machine')),
    command('run', words.run, words.runHint, chordOf('run'), run),
    command(
      'pause',
      words.pause,
      words.pauseHint,
      chordOf('pause'),
      pause,
      view?.running ? null : laterText.palette.notNow,
    ),
    command('reset', words.reset, words.resetHint, chordOf('reset'), reset, view === null ? text.modes.noGuest : null),
    ...UNTIL_KINDS.map(kind =>
      command(`until-${kind}`, laterText.palette.until(until.title, until[kind]), '', '', () => runUntilNext(kind)),
    ),
    command(
      'breakpoint',
      laterText.palette.breakpoint,
      '',
      chordOf('breakpoint'),
      () => {
        const address = windows.getState().selected ?? machine.getState().codeEip;
        if (address !== null) toggleBreakpoint(address);
      },
      view === null ? text.modes.noGuest : null,
    ),
  ];
}

function backwards(): readonly Command[] {
  const view = machine.getState().view;
  const no = whyNotBack(view);
  const why = no === null ? null : text.back[no];
  const { memoryCursor } = windows.getState();
  return [
    {
      id: 'back-step',
      label: text.back.step,
      hint: text.back.stepHint,
      chord: chordOf('backStep'),
      run: () => goBack('step'),
    },
    {
      id: 'back-trap',
      label: text.back.trap,
      hint: text.back.trapHint,
      chord: chordOf('backTrap'),
      run: () => goBack('trap'),
    },
    {
      id: 'back-write',
      label: laterText.palette.backWrite,
      hint: hex(memoryCursor),
      run: () => goBack('write', memoryCursor),
    },
  ].map(command => ({ ...command, group: 'back', obstacle: why }));
}

function modes(): readonly Command[] {
  const state = machine.getState();
  return MODES.map(mode => ({
    id: `mode-${mode}`,
    group: 'mode',
    label: laterText.palette.mode(text.modes.name[mode]),
    hint: text.modes.what[mode],
    obstacle: obstacle(state, mode),
    run: () => chooseMode(mode),
  }));
}

function guests(images: readonly PageGuest[]): readonly Command[] {
  const words = laterText.palette;
  const none = machine.getState().guest === null ? text.modes.noGuest : null;
  return [
    ...[primer, vmxtest, ...images].map(
      (guest): Command => ({
        id: `guest-${guest.id}`,
        group: 'guest',
        label: words.open(guest.name),
        hint: guest.description,
        run: () => void openGuest(guest),
      }),
    ),
    {
      id: 'open-image',
      group: 'guest',
      label: text.picker.open,
      hint: text.picker.openHint,
      run: () => dialogs.setState({ open: true }),
    },
    {
      id: 'snapshot-save',
      group: 'guest',
      label: text.snapshot.save,
      hint: text.snapshot.saveHint,
      obstacle: none,
      run: saveSnapshot,
    },
    {
      id: 'snapshot-restore',
      group: 'guest',
      label: text.snapshot.restore,
      hint: text.snapshot.restoreHint,
      run: chooseSnapshot,
    },
    { id: 'trace', group: 'guest', label: words.trace, obstacle: none, run: saveTrace },
  ];
}

/** Asks for the file as a button would. */
function chooseSnapshot(): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.onchange = () => {
    const file = input.files?.[0];
    if (file !== undefined) void openSnapshot(file);
  };
  input.click();
}

const NARROW_TABS: readonly Tab[] = ['console', 'registers', 'monitor', 'machine'];

function panels(): readonly Command[] {
  const words = laterText.palette;
  const show = (id: string, label: string, act: () => void, chord = ''): Command => ({
    id: `show-${id}`,
    group: 'panel',
    label,
    chord,
    run: act,
  });
  const tab = (name: Tab): Command =>
    show(name, words.show(text.tabs[name]), () => showTab(name, machine.getState().codeEip));
  const narrow = isNarrow();
  return [
    tab('code'),
    tab('memory'),
    ...(narrow ? NARROW_TABS.map(tab) : []),
    ...BOTTOM_TABS.map(name =>
      show(name, words.show(text.tabs[name]), () => {
        showBottom(name);
        if (name === 'verbs') focusVerbs();
      }),
    ),
    show('tables', words.show(laterText.tables.label), () => {
      if (narrow) windows.setState({ tab: 'registers' });
      looks.setState({ tables: true });
    }),
    show('follow', words.follow, () => windows.setState({ tab: 'code', follow: true, away: false })),
    show('walk', words.walk, () => {
      const { codeEip } = machine.getState();
      if (codeEip !== null) walkTo(codeEip);
    }),
    ...(narrow
      ? []
      : (['left', 'console', 'bottom', 'right'] as const).map(part =>
          show(
            `part-${part}`,
            words.toggle(part === 'console' ? text.console.label : text.layout[part]),
            () => toggleOpen(part),
            chordOf(part),
          ),
        )),
  ];
}

function page(): readonly Command[] {
  const words = laterText.palette;
  return [
    ...(['system', 'light', 'dark'] as const).map(
      (theme): Command => ({
        id: `theme-${theme}`,
        group: 'look',
        label: words.theme(text.theme[theme]),
        run: () => settings.setState({ theme }),
      }),
    ),
    ...LANGUAGES.map(
      (name): Command => ({
        id: `language-${name}`,
        group: 'look',
        label: words.language(LANGUAGE_NAMES[name]),
        run: () => void chooseLanguage(name),
      }),
    ),
    {
      id: 'shortcuts',
      group: 'look',
      label: text.settings.shortcuts,
      chord: chordOf('sheet'),
      run: () => sheet.setState({ open: true }),
    },
    { id: 'tour', group: 'look', label: text.settings.tour, run: () => startTour(true) },
  ];
}

/** Goes to a symbol's code. Null when the guest has none of this name. */
export function symbolCommand(name: string): Command | null {
  const address = symbolsOf(machine.getState()).addressOf(name);
  if (address === null) return null;
  return {
    id: `symbol ${name}`,
    group: 'symbol',
    label: name,
    hint: laterText.palette.symbol(hex(address)),
    run: () => goToCode(address),
  };
}

/** All names of the guest. */
export function symbolNames(): readonly string[] {
  return symbolsOf(machine.getState()).suggest('', Number.POSITIVE_INFINITY);
}

/** What is typed, as a line for the console of verbs; null when its first word is no verb. */
export function verbCommand(typed: string): Command | null {
  const line = splitLine(typed);
  const name = line === null ? null : findVerb(line.verb);
  if (line === null || name === null || !(name === line.verb || VERBS[name].aliases.includes(line.verb))) return null;
  return {
    id: `verb ${typed.trim()}`,
    group: 'verb',
    label: typed.trim(),
    hint: laterText.verbs.what[name],
    run: () => {
      showBottom('verbs');
      focusVerbs();
      void enter(typed);
    },
  };
}

export async function images(): Promise<readonly PageGuest[]> {
  return (await fetchImages()) ?? [];
}
