import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HASH_TAGS } from './index.js';

const packages = join(import.meta.dirname, '../../..');

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'test'].includes(entry.name) ? [] : sources(path);
    return /(?<!\.test)\.ts$/.test(entry.name) ? [path] : [];
  });
}

const code = sources(packages)
  .filter((path) => path.includes('/src/') && !path.endsWith('hash/tags.ts'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '') }));

const occurrences = (tag: string) =>
  code.flatMap(({ path, text }) =>
    text
      .split(`'${tag}'`)
      .slice(1)
      .map(() => path),
  );

describe('the registry of hash tags', () => {
  test.each(Object.keys(HASH_TAGS))('V14: %s is used at exactly one place', (tag) => {
    expect(occurrences(tag)).toHaveLength(1);
  });

  test('V14: no tag is the beginning of another', () => {
    const tags = Object.keys(HASH_TAGS);
    const pairs = tags.flatMap((a) => tags.filter((b) => a !== b && b.startsWith(a)).map((b) => [a, b]));
    expect(pairs).toEqual([]);
  });
});
