// Turns a message key and its values into text. Owns interpolation and plurals; knows no React and no
// concrete language.
import type { en } from './en';

export type Messages = Record<keyof typeof en, string>;
type Plural<K> = K extends `${infer Base}_other` ? Base : never;
/** A message's name. One with `_one` and `_other` forms is named without them and takes `count`. */
export type MessageKey = keyof typeof en | Plural<keyof typeof en>;
export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: MessageKey, values?: Values) => string;

/** The translator for one language; `locale` also formats the numbers put into messages. */
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
