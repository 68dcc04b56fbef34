import { expect, test } from 'vitest';
import { resolveImport, type SourceFile, SOURCES } from './source.js';

/** What starts a process, a database or a browser, whoever imports it. */
const STARTERS = /^(node:child_process|playwright-core)$/;
/** The same by name, out of the index of testkit. */
const STARTING_NAMES = ['spawnServer', 'startPostgres'];
/** Programs that answer within ten milliseconds and judge a signature: in every lane. */
const QUICK = ['packages/requests/src/fixtures/programs.ts'];

/** Whether a test starts something by itself, or through a file that only tests use. */
function starts(file: SourceFile, seen = new Set<string>()): boolean {
  if (seen.has(file.path) || QUICK.includes(file.path)) return false;
  seen.add(file.path);
  return file.imports.some(({ specifier, names }) => {
    if (STARTERS.test(specifier) || names.some((name) => STARTING_NAMES.includes(name))) return true;
    const next = resolveImport(file, specifier);
    return next?.isTest === true && next.room === file.room && starts(next, seen);
  });
}

const tests = SOURCES.filter(({ path }) => path.endsWith('.test.ts'));
const named = (ending: RegExp) => tests.filter(({ path }) => ending.test(path)).map(({ path }) => path);

test('a test that starts processes, databases or browsers is called *.slow.test.ts or *.long.test.ts, so that test:fast leaves it out', () => {
  const starting = tests.filter((file) => starts(file)).map(({ path }) => path);
  expect(starting.filter((path) => !/\.(slow|long)\.test\.ts$/.test(path))).toEqual([]);
  expect(starting.length).toBeGreaterThan(20);
});

test('a test is called *.long.test.ts, or replaces modules, when all of it has the tag that test:long asks for', () => {
  const tagged = tests.filter(({ code }) => code.startsWith('// @module-tag long\n'));
  expect(named(/\.(long|alone)\.test\.ts$/)).toEqual(tagged.map(({ path }) => path));
  expect(tagged.length).toBeGreaterThan(10);
});

test('a test that replaces modules is called *.alone.test.ts and has a worker of its own; no other is', () => {
  const replacing = tests.filter(({ code }) => /\bvi\.(mock|doMock|resetModules)\(/.test(code));
  expect(named(/\.alone\.test\.ts$/)).toEqual(replacing.map(({ path }) => path));
});
