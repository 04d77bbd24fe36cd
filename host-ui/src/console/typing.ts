// Text as key strokes: which keys of which keyboard make a character. Guests see keys, not characters, so the
// layout must be the guest's. Pure. Keysyms as X11's `keysymdef.h` has them.

export type Layout = 'us' | 'de';

/** One key of a keyboard: the name that browsers give it, and the modifiers that are held. */
export type Stroke = { code: string; keysym: number; shift: boolean; altGr: boolean };

export type Typed = { strokes: Stroke[]; /** Characters that no key of this layout makes, each once. */ missing: string[] };

const rows = [
  'Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal',
  'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight',
  'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash',
  'IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash',
].map((row) => row.split(' '));

type Levels = { plain: readonly string[]; shift: readonly string[]; altGr: readonly string[] };

/** Characters of the rows above, key by key; a space where a key makes none of use. */
const layouts: Record<Layout, Levels> = {
  us: {
    plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'\\", ' zxcvbnm,./'],
    shift: ['~!@#$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:"|', ' ZXCVBNM<>?'],
    altGr: ['             ', '            ', '            ', '           '],
  },
  de: {
    plain: [' 1234567890ß ', 'qwertzuiopü+', 'asdfghjklöä#', '<yxcvbnm,.-'],
    shift: ['°!"§$%&/()=? ', 'QWERTZUIOPÜ*', "ASDFGHJKLÖÄ'", '>YXCVBNM;:_'],
    altGr: ['  ²³   {[]}\\ ', '@ €        ~', '            ', '|      µ   '],
  },
};

const named: Readonly<Record<string, Stroke>> = {
  ' ': { code: 'Space', keysym: 0x20, shift: false, altGr: false },
  '\n': { code: 'Enter', keysym: 0xff0d, shift: false, altGr: false },
  '\t': { code: 'Tab', keysym: 0xff09, shift: false, altGr: false },
};

/** The X11 keysym of a character. */
export function keysymOf(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  const latin = (point >= 0x20 && point <= 0x7e) || (point >= 0xa0 && point <= 0xff);
  return latin ? point : 0x01000000 | point;
}

const tables = new Map<Layout, ReadonlyMap<string, Stroke>>();

function tableOf(layout: Layout): ReadonlyMap<string, Stroke> {
  const known = tables.get(layout);
  if (known !== undefined) return known;
  const table = new Map<string, Stroke>(Object.entries(named));
  for (const level of ['plain', 'shift', 'altGr'] as const) {
    layouts[layout][level].forEach((characters, row) =>
      [...characters].forEach((character, at) => {
        const code = rows[row]?.[at];
        if (code === undefined || character === ' ' || table.has(character)) return;
        table.set(character, { code, keysym: keysymOf(character), shift: level === 'shift', altGr: level === 'altGr' });
      }),
    );
  }
  tables.set(layout, table);
  return table;
}

/** The strokes that type `text` on a keyboard of this layout. */
export function strokes(text: string, layout: Layout): Typed {
  const table = tableOf(layout);
  const found: Stroke[] = [];
  const missing = new Set<string>();
  for (const character of text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')) {
    const stroke = table.get(character);
    if (stroke === undefined) missing.add(character);
    else found.push(stroke);
  }
  return { strokes: found, missing: [...missing] };
}
