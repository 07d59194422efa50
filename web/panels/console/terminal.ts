/** The terminal, made once: it keeps its screen while panels come and go. Loaded after the first view. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { belongsToPage } from '../../keys.ts';
import { typeOnConsole } from '../../machine.ts';
import { notify } from '../../stores/notices.ts';
import { text } from '../../text.ts';
import { connectConsole } from './output.ts';

/** What programs on a serial line take for granted. */
const COLUMNS = 80;
const ROWS = 25;
const SCROLLBACK = 5000;
const FONT_SIZE = 12.5;
const SMALLEST_FONT = 11.5;

const element = document.createElement('div');
element.style.height = '100%';
const encoder = new TextEncoder();

const terminal = new Terminal({
  cols: COLUMNS,
  rows: ROWS,
  scrollback: SCROLLBACK,
  fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'),
  fontSize: FONT_SIZE,
  cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
  // The line discipline of the guest sends CR LF itself.
  convertEol: false,
  minimumContrastRatio: 4.5,
  theme: {
    background: '#0f1318',
    foreground: '#d5dbe3',
    cursor: '#d5dbe3',
    selectionBackground: '#33506b',
    black: '#1b212a',
    red: '#f0806b',
    green: '#7fd1ae',
    yellow: '#efb43f',
    blue: '#6db4ee',
    magenta: '#dc8ad2',
    cyan: '#77cfd6',
    white: '#d5dbe3',
    brightBlack: '#8b95a3',
    brightRed: '#ff9f8c',
    brightGreen: '#a3e6c8',
    brightYellow: '#ffcf73',
    brightBlue: '#97cbf7',
    brightMagenta: '#ecaee4',
    brightCyan: '#a0e3e8',
    brightWhite: '#ffffff',
  },
});
const fit = new FitAddon();
terminal.loadAddon(fit);

// Typed and pasted text comes as a string in UTF-8's meaning, mouse reports as single bytes.
terminal.onData(data => typeOnConsole(encoder.encode(data)));
terminal.onBinary(data => typeOnConsole(Uint8Array.from(data, character => character.charCodeAt(0))));

terminal.attachCustomKeyEventHandler(event => {
  if (belongsToPage(event)) return false;
  if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return true;
  if (event.code === 'KeyC') {
    event.preventDefault();
    if (event.type === 'keydown') copySelection();
    return false;
  }
  // The browser's own paste: it needs no permission, and xterm takes the text from the event.
  if (event.code === 'KeyV') return false;
  if (event.code === 'ArrowUp') {
    event.preventDefault();
    if (event.type === 'keydown') leave();
    return false;
  }
  return true;
});

connectConsole({
  write: bytes => terminal.write(bytes),
  reset: () => {
    terminal.reset();
  },
});

function copySelection(): void {
  const selection = terminal.getSelection();
  if (selection === '') return;
  navigator.clipboard.writeText(selection).catch(() => notify(text.notices.clipboard));
}

/** Gives the focus back to the page: to what comes before the console. */
function leave(): void {
  terminal.blur();
  document.querySelector<HTMLElement>('[data-primary]')?.focus();
}

/** xterm draws no cursor before it has had the focus once. */
function open(): void {
  terminal.open(element);
  if (document.activeElement !== document.body) return;
  terminal.focus();
  terminal.blur();
  // The next Tab goes on from where the focus was last: let that be the beginning of the page again.
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.blur();
  document.body.removeAttribute('tabindex');
}

/** Puts the terminal into a panel and keeps it as large as the panel. Returns how to take it out again. */
export function mountTerminal(host: HTMLElement): () => void {
  host.append(element);
  if (terminal.element === undefined) open();
  const resize = (): void => fitTo(host);
  const observer = new ResizeObserver(resize);
  observer.observe(host);
  // The cell size is known once the font is there.
  document.fonts.load(`${FONT_SIZE}px "JetBrains Mono Variable"`).then(() => {
    // A new family makes xterm measure again.
    terminal.options.fontFamily = `${getComputedStyle(document.documentElement).getPropertyValue('--mono')} `;
    resize();
  }, resize);
  return () => {
    observer.disconnect();
    element.remove();
  };
}

/**
 * At least 80 columns (a narrow panel scrolls sideways), and 25 rows if a smaller letter makes them fit. More where there
 * is room.
 */
function fitTo(host: HTMLElement): void {
  if (host.clientHeight === 0 || host.clientWidth === 0) return;
  for (let size = FONT_SIZE; size >= SMALLEST_FONT; size -= 0.5) {
    terminal.options.fontSize = size;
    const proposed = fit.proposeDimensions();
    if (proposed === undefined) return;
    const fits = proposed.cols >= COLUMNS && proposed.rows >= ROWS;
    if (fits || size === SMALLEST_FONT) {
      terminal.resize(Math.max(proposed.cols, COLUMNS), Math.max(proposed.rows, 4));
      return;
    }
  }
}
