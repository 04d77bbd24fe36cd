// A VM's screen, drawn into an element, and its keys. The only module that knows noVNC.
import RFB from '@novnc/novnc';
import type { Attach } from './connection';
import type { Stroke } from './typing';

/** X11 keysyms, and the keys that browsers have for them. */
const modifierKeys = {
  ctrl: { keysym: 0xffe3, code: 'ControlLeft' },
  alt: { keysym: 0xffe9, code: 'AltLeft' },
  shift: { keysym: 0xffe1, code: 'ShiftLeft' },
  meta: { keysym: 0xffeb, code: 'MetaLeft' },
  altGr: { keysym: 0xfe03, code: 'AltRight' },
} as const;
export type Modifier = keyof typeof modifierKeys;

const otherKeys: Readonly<Record<string, number>> = { Delete: 0xffff, Escape: 0xff1b, Tab: 0xff09, PrintScreen: 0xff61 };

function keysymOfKey(code: string): number {
  const f = /^F(\d+)$/.exec(code)?.[1];
  return f === undefined ? (otherKeys[code] ?? 0) : 0xffbd + Number(f);
}

/** Between two strokes, as of a real keyboard that repeats as fast as it can: an emulated one has room for a few
 *  only and forgets the rest, so a slow guest must have had time to take them. */
const strokeMs = 33;

type Options = {
  /** What a screen reader calls it. */
  label: string;
  /** Ctrl-F6 was pressed: the way out by keyboard, as every other key belongs to the guest. */
  onLeave: () => void;
};

/** The screen in `element`, once `attach` has connected it. */
export class VncScreen {
  #rfb: RFB | null = null;
  #scaled = true;
  readonly #held = new Set<Modifier>();
  /** Modifiers that typing holds down by itself. */
  readonly #typedWith = new Set<Modifier>();
  #typing: AbortController | null = null;
  readonly #onKey: (event: KeyboardEvent) => void;

  constructor(
    private readonly element: HTMLElement,
    private readonly options: Options,
  ) {
    this.#onKey = (event) => {
      if (!(event.ctrlKey && event.key === 'F6')) return;
      event.preventDefault();
      event.stopPropagation();
      this.#rfb?.blur();
      this.options.onLeave();
    };
    // Before noVNC, which keeps every key.
    element.addEventListener('keydown', this.#onKey, { capture: true });
  }

  readonly attach: Attach = (url, told) => {
    const rfb = new RFB(this.element, url.href, { shared: true });
    rfb.background = 'transparent';
    rfb.scaleViewport = this.#scaled;
    rfb.addEventListener('connect', () => {
      this.#name();
      told.opened();
      // A new connection knows of no key that is held.
      this.#held.forEach((modifier) => this.#press(modifier, true));
      rfb.focus({ preventScroll: true });
    });
    rfb.addEventListener('disconnect', () => {
      this.#typing?.abort();
      if (this.#rfb === rfb) this.#rfb = null;
      told.closed();
    });
    this.#rfb = rfb;
    return () => rfb.disconnect();
  };

  /** Fits the picture to its element, or shows it pixel by pixel. */
  scale(scaled: boolean): void {
    this.#scaled = scaled;
    if (this.#rfb !== null) this.#rfb.scaleViewport = scaled;
  }

  focus(): void {
    this.#rfb?.focus({ preventScroll: true });
  }

  /** Holds a modifier down until it is let go: for keys that the browser keeps to itself. */
  hold(modifier: Modifier, held: boolean): void {
    if (held) this.#held.add(modifier);
    else this.#held.delete(modifier);
    this.#press(modifier, held);
    this.focus();
  }

  /** Presses keys at once and lets them go in the other order. */
  chord(modifiers: readonly Modifier[], code: string): void {
    const pressed = modifiers.filter((modifier) => !this.#held.has(modifier));
    pressed.forEach((modifier) => this.#press(modifier, true));
    this.#rfb?.sendKey(keysymOfKey(code), code);
    pressed.toReversed().forEach((modifier) => this.#press(modifier, false));
    this.focus();
  }

  /** Types strokes, one after the other; how many were typed before the screen was gone or `cancel` called. */
  async type(strokes: readonly Stroke[], progress: (typed: number) => void): Promise<number> {
    this.#typing?.abort();
    const typing = new AbortController();
    this.#typing = typing;
    let typed = 0;
    for (const stroke of strokes) {
      if (typing.signal.aborted || this.#rfb === null) break;
      this.#holdFor(stroke);
      this.#rfb.sendKey(stroke.keysym, stroke.code);
      typed += 1;
      progress(typed);
      await new Promise((resolve) => setTimeout(resolve, strokeMs));
    }
    this.#holdFor({ shift: false, altGr: false });
    return typed;
  }

  cancel(): void {
    this.#typing?.abort();
  }

  dispose(): void {
    this.cancel();
    this.element.removeEventListener('keydown', this.#onKey, { capture: true });
  }

  /** Presses and lets go of what differs from the stroke before: a run of capitals is one press of Shift. */
  #holdFor(stroke: Pick<Stroke, 'shift' | 'altGr'>): void {
    for (const modifier of ['shift', 'altGr'] as const) {
      if (stroke[modifier] === this.#typedWith.has(modifier)) continue;
      if (stroke[modifier]) this.#typedWith.add(modifier);
      else this.#typedWith.delete(modifier);
      if (!this.#held.has(modifier)) this.#press(modifier, stroke[modifier]);
    }
  }

  #press(modifier: Modifier, down: boolean): void {
    const { keysym, code } = modifierKeys[modifier];
    this.#rfb?.sendKey(keysym, code, down);
  }

  /** Tab leads to the picture, and a screen reader knows what it is. */
  #name(): void {
    const canvas = this.element.querySelector('canvas');
    canvas?.setAttribute('tabindex', '0');
    canvas?.setAttribute('role', 'application');
    canvas?.setAttribute('aria-label', this.options.label);
  }
}
