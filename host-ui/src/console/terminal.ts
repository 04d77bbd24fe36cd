// The terminal emulator, fitted into its element. The only module that knows xterm.js.
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { withAdoptedStyles } from './adopted-styles';

export type Screen = { write: (bytes: Uint8Array) => void; focus: () => void; dispose: () => void };

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
  const terminal = new Terminal({
    scrollback: scrollbackLines,
    cursorBlink: true,
    fontFamily: "ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    fontSize: 14,
    screenReaderMode: true,
    theme: colours,
  });
  terminal.loadAddon(fit);
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
  return {
    write: (bytes) => terminal.write(bytes),
    focus: () => terminal.focus(),
    dispose: () => {
      size.disconnect();
      terminal.dispose();
      dropStyles();
    },
  };
}
