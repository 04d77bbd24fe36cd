// Which language the UI speaks, and the hook that translates. English is in the first load, others are
// fetched when chosen.
import { createContext, type ReactNode, use, useCallback, useMemo, useState } from 'react';
import { en } from './en';
import { type Messages, type Translate, translator } from './translate';

export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

type I18n = { t: Translate; language: Language; setLanguage: (language: Language) => Promise<void> };
const Context = createContext<I18n | null>(null);
const storageKey = 'qx-language';

const load: Record<Language, () => Promise<Messages>> = {
  en: () => Promise.resolve(en),
  de: () => import('./de').then((module) => module.de),
};

/** The language that `first.js` put on `<html>`, with its messages. */
export async function initialLanguage(): Promise<{ language: Language; messages: Messages }> {
  const language = document.documentElement.lang === 'de' ? 'de' : 'en';
  return { language, messages: await load[language]() };
}

type ProviderProps = { initial: { language: Language; messages: Messages }; children: ReactNode };

/** Gives every component below it the translator. */
export function I18nProvider({ initial, children }: ProviderProps) {
  const [current, setCurrent] = useState(initial);
  const setLanguage = useCallback(async (language: Language) => {
    const messages = await load[language]();
    localStorage.setItem(storageKey, language);
    document.documentElement.lang = language;
    setCurrent({ language, messages });
  }, []);
  const value = useMemo(
    () => ({ t: translator(current.messages, current.language), language: current.language, setLanguage }),
    [current, setLanguage],
  );
  return <Context value={value}>{children}</Context>;
}

/** The translator, the language, and how to change it. */
export function useI18n(): I18n {
  const value = use(Context);
  if (value === null) throw new Error('useI18n is used outside I18nProvider');
  return value;
}
