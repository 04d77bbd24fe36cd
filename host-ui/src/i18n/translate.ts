// Turns a message key and its values into text. Owns interpolation and plurals; knows no React and no
// concrete language.
import type { en } from './en';
import type { enRest } from './en-rest';

/** What the first page needs. */
export type FirstMessages = Record<keyof typeof en, string>;
/** What the others need as well. */
export type RestOfMessages = Record<keyof typeof enRest, string>;
/** The rest comes later. */
export type Messages = FirstMessages & Partial<RestOfMessages>;
type Plural<K> = K extends `${infer Base}_other` ? Base : never;
/** A message's name. One with `_one` and `_other` forms is named without them and takes `count`. */
export type MessageKey = keyof Messages | Plural<keyof Messages>;
export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: MessageKey, values?: Values) => string;

/**
 * The translator for one language; `locale` also formats the numbers put into messages. It reads `messages` whenever it
 * is asked, so what is added to them later is found.
 */
export function translator(messages: Messages, locale: string): Translate {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  const lookup = messages as Readonly<Record<string, string>>;
  const form = (key: string, values: Values) => {
    const exact = lookup[key];
    if (exact !== undefined) return exact;
    const count = Number(values['count'] ?? 0);
    return lookup[`${key}_${plural.select(count)}`] ?? lookup[`${key}_other`] ?? key;
  };
  return (key, values = {}) =>
    form(key, values).replace(/\{(\w+)\}/g, (placeholder, name: string) => {
      const value = values[name];
      if (value === undefined) return placeholder;
      return typeof value === 'number' ? number.format(value) : value;
    });
}
