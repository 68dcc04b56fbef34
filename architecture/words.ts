import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, SHIPPED } from './source.js';

const COMMENT = /^\s*(\/\/|\/?\*)/;
/** The name of the command before one of its words. Labels that are hashed or stored are none. */
const COMMAND = /['"` ]ckm (?!hedge|message sealing|storage key|epoch)[a-z]/;

const sources = SHIPPED.map(({ path }) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

function found(paths: RegExp, what: RegExp): string[] {
  const texts = sources.filter(({ path }) => paths.test(path)).map(({ text }) => text);
  return texts.flatMap((text) => [...text.matchAll(what)].map((match) => match[1]!));
}

/** Every option of the command: those it has of its own, and the fields of requests. */
const OPTIONS = new Set([
  ...found(/^packages\/cli\/src\/command/, /['"`]--([a-z-]+)/g),
  ...found(/^packages\/requests\/src\/\w+\/fields\.ts$/, /name: '([a-z-]+)'/g),
]);

function saysOption(line: string): boolean {
  return [...line.matchAll(/['"` (]--([a-z-]+)/g)].some(([, name]) => OPTIONS.has(name!));
}

describe('what packages say', () => {
  test('no package below the command line names a command or an option: hints are words, remedies are data', () => {
    const below = sources.filter(({ path }) => !/^packages\/(cli|testkit)\//.test(path));
    const wrong = below.flatMap(({ path, text }) =>
      text
        .split('\n')
        .filter((line) => !COMMENT.test(line) && (COMMAND.test(line) || saysOption(line)))
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(OPTIONS.has('without') && OPTIONS.has('extract') && OPTIONS.has('account')).toBe(true);
    expect(wrong).toEqual([]);
  });
});
