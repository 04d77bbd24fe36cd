// The terminal emulator, fitted into its element. The only module that knows xterm.js.
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal } from '@xterm/xterm';
import { withAdoptedStyles } from './adopted-styles';

export type Screen = {
  write: (bytes: Uint8Array) => void;
  /** Empties it, as what comes next is what it shows already. */
  reset: () => void;
  focus: () => void;
  /** Selects the next place with `text`, or the one before; whether there is one. */
  find: (text: string, backwards: boolean) => boolean;
  /** What is selected, or else all that it holds. */
  text: () => string;
  dispose: () => void;
};

const scrollbackLines = 10_000;
/** Dark in both themes: guests choose their colours for a dark screen. */
const colours = { background: '#0b0f13', foreground: '#d7dee5', cursor: '#2dd4bf', selectionBackground: '#33506b' };

type Options = {
  /** What a screen reader calls it. */
  label: string;
  onInput: (text: string) => void;
  /** Ctrl-F6 was pressed: the way out by keyboard, as Tab belongs to the guest. */
  onLeave: () => void;
};

/** Builds a terminal in `element`. */
export function openScreen(element: HTMLElement, { label, onInput, onLeave }: Options): Screen {
  const fit = new FitAddon();
  const search = new SearchAddon();
  const terminal = new Terminal({
    scrollback: scrollbackLines,
    cursorBlink: true,
    fontFamily: "ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    fontSize: 14,
    screenReaderMode: true,
    theme: colours,
  });
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  const dropStyles = withAdoptedStyles(() => terminal.open(element));
  terminal.textarea?.setAttribute('aria-label', label);
  terminal.attachCustomKeyEventHandler((event) => {
    if (!(event.ctrlKey && event.key === 'F6')) return true;
    if (event.type === 'keydown') onLeave();
    return false;
  });
  const size = new ResizeObserver(() => fit.fit());
  size.observe(element);
  terminal.onData(onInput);
  const all = () => {
    const { buffer } = terminal;
    const lines = Array.from({ length: buffer.active.length }, (_, at) => buffer.active.getLine(at)?.translateToString(true) ?? '');
    return `${lines.join('\n').trimEnd()}\n`;
  };
  return {
    write: (bytes) => terminal.write(bytes),
    reset: () => terminal.reset(),
    focus: () => terminal.focus(),
    find: (text, backwards) => (backwards ? search.findPrevious(text) : search.findNext(text)),
    text: () => (terminal.hasSelection() ? terminal.getSelection() : all()),
    dispose: () => {
      size.disconnect();
      terminal.dispose();
      dropStyles();
    },
  };
}
