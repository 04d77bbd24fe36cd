// What the first page loads at once must not say what is fetched after it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { en } from './en';
import { enRest } from './en-rest';

const source = fileURLToPath(new URL('..', import.meta.url));
/** Not of types, and not `import()`. */
const imports = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;

function place(name: string, from: string): string | undefined {
  if (!/^(?:@\/|\.)/.test(name)) return undefined;
  const path = name.startsWith('@/') ? join(source, name.slice(2)) : join(dirname(from), name);
  return ['.ts', '.tsx'].map((end) => path + end).find((file) => existsSync(file));
}

/** Every module that `file` can't do without, by its path. */
function reached(file: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(file)) return found;
  const text = readFileSync(file, 'utf8');
  found.set(file, text);
  for (const [, name = ''] of text.matchAll(imports)) {
    const next = place(name, file);
    if (next !== undefined) reached(next, found);
  }
  return found;
}

/** Keys of `texts` that stand in a module: whole, as a plural's name, or by the part in front of a value. */
function said(module: string, texts: object): string[] {
  const whole = new Set([...module.matchAll(/'([\w. -]+)'/g)].map(([, key]) => key));
  const parts = [...module.matchAll(/`([\w.]+\.)\$\{/g)].map(([, part = '']) => part);
  return Object.keys(texts).filter(
    (key) => whole.has(key) || whole.has(key.replace(/_(?:one|other)$/, '')) || parts.some((part) => key.startsWith(part)),
  );
}

test('the first page has all of its texts', () => {
  const modules = reached(join(source, 'main.tsx'));
  modules.delete(join(source, 'i18n/en.ts'));
  modules.delete(join(source, 'i18n/en-tasks.ts'));
  expect(modules.size).toBeGreaterThan(40);
  const early = [...modules].flatMap(([file, text]) => said(text, enRest).map((key) => `${relative(source, file)}: ${key}`));
  expect(early).toEqual([]);
  // Else nothing would be found at all.
  const found = new Set([...modules.values()].flatMap((text) => said(text, en)));
  expect(found.size).toBeGreaterThan(200);
});
