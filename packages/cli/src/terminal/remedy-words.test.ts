import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { REMEDIES, StateError, type Remedy, type RemedyKind } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { buildCommand } from '../command-line/command-node.js';
import { COMMAND_TREE } from '../command-tree.js';
import { errorLines, errorObject } from './print-error.js';
import { formatRemedy, wordsOf } from './remedy-words.js';

const VALUES = {
  name: 'alpha',
  names: ['alpha', 'bravo'],
  id: '0123abcd',
  code: 'KEY_UNKNOWN',
  url: 'https://alpha',
  record: 'keys/notes',
  time: 1_800_000_000,
  quorum: '2of3',
};
const KINDS = Object.keys(REMEDIES) as RemedyKind[];

/** A remedy with every field, or with only those that must be there. */
function remedyOf(kind: RemedyKind, isWhole: boolean): Remedy {
  const fields = Object.entries<string>(REMEDIES[kind])
    .filter(([, form]) => isWhole || !form.endsWith('?'))
    .map(([name, form]) => [name, VALUES[form.replace('?', '') as keyof typeof VALUES]]);
  return { kind, ...Object.fromEntries(fields) } as Remedy;
}

describe('wordsOf', () => {
  test.each(KINDS)(
    'has a sentence for the remedy %s, and a command that exists if it has one',
    async (kind) => {
      for (const isWhole of [true, false]) {
        const { sentence, command } = wordsOf(remedyOf(kind, isWhole));
        expect(sentence).toMatch(/^[a-z].{3,}[^.]$/);
        expect(`${sentence} ${command}`).not.toContain('undefined');
        for (const line of command?.split('; ') ?? []) {
          if (!line.startsWith('ckm ')) expect(line).toMatch(/^the same again with --/);
          else await expect(isCommand(line.split(' ').slice(1))).resolves.toBe(true);
        }
      }
    },
  );
});

/** Whether the words name a command of the tree, with flags that it takes. */
async function isCommand(words: readonly string[]): Promise<boolean> {
  let command = await buildCommand(COMMAND_TREE, words);
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  const flags = words.filter((word) => word.startsWith('--'));
  return (
    command.commands.length === 0 && flags.every((flag) => command.options.some(({ long }) => long === flag))
  );
}

test('errorLines puts the command of a remedy behind the hint, and errorObject tells it to machines', () => {
  const error = new StateError('this key is not complete', {
    code: 'KEY_NOT_USABLE',
    hint: 'finish it first',
    remedy: { kind: 'resumeSession', id: '0123abcd' },
    retryable: false,
  });
  expect(errorLines(error)).toContain('ckm: hint: finish it first: ckm sessions resume 0123abcd\n');
  expect(errorObject(error)).toMatchObject({
    error: { remedy: { kind: 'resumeSession', id: '0123abcd', command: 'ckm sessions resume 0123abcd' } },
  });
});

test('formatRemedy says its own sentence where there is no hint', () => {
  expect(formatRemedy({ kind: 'fetchKeys' })).toBe('get your keys back from their servers: ckm key fetch');
  expect(formatRemedy({ kind: 'retry' }, 'ask again')).toBe('ask again');
});

/** What libraries say reaches web pages too: a command line is made of a remedy, here and nowhere below. */
test('no package below the command line says a command of it', () => {
  const packages = join(import.meta.dirname, '../../..');
  const first = (COMMAND_TREE.commands ?? []).map(({ name }) => name).join('|');
  const command = new RegExp(`['"\`][^'"\`\\n]*\\bckm (?:${first})\\b`);
  const found = LIBRARIES.flatMap((library) => sourcesIn(join(packages, library, 'src')))
    .flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => ({ path, line })),
    )
    .filter(({ line }) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && command.test(line));
  expect(found.map(({ path, line }) => `${relative(packages, path)}: ${line.trim()}`)).toEqual([]);
});

const LIBRARIES = ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server'];

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|(?:^|\/)test\//.test(path))
    .map((path) => join(folder, path));
}
