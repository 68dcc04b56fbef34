import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { FUNCTIONS } from './functions.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/formats.md'), 'utf8');
const SECTION = /## Functions[^]*?\n## /.exec(PAGE)![0];
/** How the page calls results that several functions have. */
const CALLED: Readonly<Record<string, string>> = {
  'the session': 'session.propose',
  'the promise': 'key.certify',
  'the request': 'request.ask',
  'the change': 'change.propose',
  'the freeze': 'key.freeze',
  'the case': 'recovery.prove',
};

const named = (cell: string) => Array.from(cell.matchAll(/`(\w+)`/g), ([, name]) => name!).toSorted();
const fieldsOf = (schema: z.ZodType) =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape as object).toSorted() : [];
const rows = new Map(
  Array.from(
    SECTION.matchAll(/^\| `([a-z]+\.[a-z]+)` +\| ([a-z]+) +\|(.*?)\|(.*?)\|$/gm),
    ([, name, ...cells]) => [name!, cells.map((cell) => cell.trim())],
  ),
);

test('docs/formats.md has every function a server answers, and no other', () => {
  expect([...rows.keys()]).toEqual(Object.keys(FUNCTIONS));
});

test.each(Object.entries(FUNCTIONS))(
  'docs/formats.md says who may call %s, with which fields, and what comes back',
  (name, { may, parameters, result }) => {
    const [who, given, returned] = rows.get(name)!;
    const same = CALLED[returned!];
    expect(who).toBe(may);
    expect(named(given!)).toEqual(fieldsOf(parameters));
    expect(named(same === undefined ? returned! : rows.get(same)![2]!)).toEqual(fieldsOf(result));
  },
);
