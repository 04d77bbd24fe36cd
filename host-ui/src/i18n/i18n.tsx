// Which language the UI speaks, and the hook that translates. The first page's English is in the first load; what other
// pages say, and other languages, is fetched when it is needed.
import { createContext, type ReactNode, use, useCallback, useMemo, useState } from 'react';
import { en } from './en';
import { type FirstMessages, type Messages, type RestOfMessages, type Translate, translator } from './translate';

export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

type Spoken = { language: Language; messages: Messages };
type I18n = { t: Translate; language: Language; setLanguage: (language: Language) => Promise<void> };
const Context = createContext<I18n | null>(null);
const storageKey = 'qx-language';

const first: Record<Language, () => Promise<FirstMessages>> = {
  en: () => Promise.resolve(en),
  de: () => import('./de').then((module) => module.de),
};
const rest: Record<Language, () => Promise<RestOfMessages>> = {
  en: () => import('./en-rest').then((module) => module.enRest),
  de: () => import('./de-rest').then((module) => module.deRest),
};

/** The language that is spoken; its messages grow once. */
let spoken: Spoken = { language: 'en', messages: en };

/** The language that `first.js` put on `<html>`, with its messages. */
export async function initialLanguage(): Promise<Spoken> {
  const language = document.documentElement.lang === 'de' ? 'de' : 'en';
  spoken = { language, messages: { ...(await first[language]()) } };
  return spoken;
}

/** Waits until the texts of all pages and dialogs are there. */
export async function allTexts(): Promise<void> {
  const { language, messages } = spoken;
  Object.assign(messages, await rest[language]());
}

/** `load`, and what the module that it answers has to say. */
export async function withTexts<T>(load: () => Promise<T>): Promise<T> {
  const [module] = await Promise.all([load(), allTexts()]);
  return module;
}

type ProviderProps = { initial: Spoken; children: ReactNode };

/** Gives every component below it the translator. */
export function I18nProvider({ initial, children }: ProviderProps) {
  const [current, setCurrent] = useState(initial);
  const setLanguage = useCallback(async (language: Language) => {
    const [messages, more] = await Promise.all([first[language](), rest[language]()]);
    localStorage.setItem(storageKey, language);
    document.documentElement.lang = language;
    spoken = { language, messages: { ...messages, ...more } };
    setCurrent(spoken);
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
