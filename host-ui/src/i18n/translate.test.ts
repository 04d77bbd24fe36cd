import { describe, expect, test } from 'vitest';
import { de as firstGerman } from './de';
import { deRest } from './de-rest';
import { en as firstEnglish } from './en';
import { enRest } from './en-rest';
import { translator } from './translate';

const en = { ...firstEnglish, ...enRest };
const de = { ...firstGerman, ...deRest };
const t = translator(en, 'en');

test('values are put into their places, numbers in the way of the language', () => {
  expect(t('vm.stop.title', { name: 'web1' })).toBe('Force stop web1?');
  expect(translator(de, 'de')('vms.count', { count: 1234, running: 2 })).toBe('1.234 VMs, 2 laufen');
});

test('a count chooses the plural form', () => {
  expect(t('images.count', { count: 1 })).toBe('1 image');
  expect(t('images.count', { count: 0 })).toBe('0 images');
});

test('a name that looks like a placeholder is left as it is', () => {
  expect(t('vm.stop.title', { name: '{name}' })).toBe('Force stop {name}?');
});

test('texts that come later are found once they are there', () => {
  const messages = { ...firstEnglish };
  const early = translator(messages, 'en');
  expect(early('create.title')).toBe('create.title');
  Object.assign(messages, enRest);
  expect(early('create.title')).toBe('Create a virtual machine');
});

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted();

describe('German', () => {
  test.each(Object.keys(en) as (keyof typeof en)[])('%s has the places of the English text', (key) => {
    expect(placeholders(de[key])).toEqual(placeholders(en[key]));
    expect(de[key]).not.toBe('');
  });
});
