import { CommanderError, type Command } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { COMMAND_TREE } from '../command-tree.js';
import { createProgram } from '../program.js';
import type { CommandNode } from './command-node.js';
import { EXAMPLES } from './examples.js';
import type { HelpDocument } from './help-document.js';

interface Place {
  readonly words: readonly string[];
  readonly node: CommandNode;
}

function placesOf(node: CommandNode, words: readonly string[] = []): Place[] {
  const below = (node.commands ?? []).flatMap((one) => placesOf(one, [...words, one.name]));
  return [{ words, node }, ...below];
}

const places = placesOf(COMMAND_TREE);

/** What is written to stdout for a command line that asks for help. */
async function helpFor(argv: readonly string[]): Promise<string> {
  let written = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
  try {
    const program = await createProgram(argv);
    await program.parseAsync([...argv], { from: 'user' }).catch((error: unknown) => {
      if (!(error instanceof CommanderError) || error.code !== 'commander.helpDisplayed') throw error;
    });
    return written;
  } finally {
    write.mockRestore();
  }
}

const documentFor = async (words: readonly string[]) =>
  JSON.parse(await helpFor([...words, '--help', '--json'])) as HelpDocument;

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';
const isTextOrNull = (value: unknown) => value === null || isText(value);
const isFlag = (value: unknown) => typeof value === 'boolean';
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const isAny = () => true;

/** What each field must be, and no other is there. */
const TAKEN = {
  meaning: isText,
  isRequired: isFlag,
  isRepeated: isFlag,
  choices: (value: unknown) => value === null || isTexts(value),
  default: isAny,
};
const SHAPES = {
  arguments: { name: isText, ...TAKEN },
  flags: {
    flag: (value: unknown) => /^--[a-z][a-z-]*$/.test(String(value)),
    short: isTextOrNull,
    value: isTextOrNull,
    group: isTextOrNull,
    isEverywhere: isFlag,
    ...TAKEN,
  },
  subcommands: { name: isText, summary: isText, group: isTextOrNull, isUsual: isFlag },
  exitStatuses: { status: (value: unknown) => Number.isInteger(value), meaning: isText },
} as const;
const WHOLE = {
  name: isText,
  command: isText,
  summary: isText,
  usage: isText,
  arguments: Array.isArray,
  flags: Array.isArray,
  subcommands: Array.isArray,
  exitStatuses: Array.isArray,
  examples: isTexts,
};

type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

/** The names of fields that are not as they must be, too many, or missing. */
function faultsIn(value: object, shape: Shape): string[] {
  const found = Object.entries(value)
    .filter(([name, field]) => !(shape[name] ?? (() => false))(field))
    .map(([name]) => name);
  return [...found, ...Object.keys(shape).filter((name) => !(name in value))];
}

describe('--help --json', () => {
  test('is one document of one shape for every command, and for ckm itself', { tags: 'slow' }, async () => {
    expect(places.length).toBeGreaterThan(90);
    for (const { words, node } of places) {
      const found = await documentFor(words);
      const where = found.command;
      expect(faultsIn(found, WHOLE), where).toEqual([]);
      for (const [name, shape] of Object.entries(SHAPES)) {
        const parts: readonly object[] = found[name as keyof typeof SHAPES];
        const faults = parts.flatMap((one) => faultsIn(one, shape));
        expect(faults, `${where}: ${name}`).toEqual([]);
      }
      expect(where).toBe(['ckm', ...words].join(' '));
      expect(found.usage.startsWith(`${where} `), found.usage).toBe(true);
      expect(found.subcommands.map((one) => one.name)).toEqual((node.commands ?? []).map((one) => one.name));
      expect(found.flags.map(({ flag }) => flag)).toContain('--help');
      const everywhere = found.flags.filter(({ isEverywhere }) => isEverywhere).map(({ flag }) => flag);
      if (node.load !== undefined || words.length === 0) expect(everywhere, where).toContain('--json');
      if (node.load !== undefined) expect(found.examples.length, where).toBeGreaterThan(0);
    }
  });

  test('says what a command takes: what must be there, what may be said, what counts else', async () => {
    const found = await documentFor(['server', 'init']);
    expect(found).toMatchObject({
      name: 'init',
      usage: 'ckm server init [options] <folder>',
      arguments: [{ name: 'folder', isRequired: true, isRepeated: false, choices: null, default: null }],
      subcommands: [],
    });
    const flags = new Map(found.flags.map((one) => [one.flag, one]));
    expect(flags.get('--name')).toMatchObject({ value: 'name', isRequired: true, default: null });
    expect(flags.get('--accounts')).toMatchObject({
      choices: ['open', 'invite', 'closed'],
      isRequired: false,
      default: 'invite',
    });
    expect(flags.get('--quiet')).toMatchObject({ short: '-q', value: null, isEverywhere: true });
    // What belongs to an owner has no meaning for an operator.
    expect(flags.has('--home')).toBe(false);
    expect(found.exitStatuses.map(({ status }) => status)).toContain(64);
  });

  test('names the sort a command is of, what is usual where none is named, and statuses in its own words', async () => {
    const { subcommands } = await documentFor(['requests']);
    expect(subcommands.filter(({ isUsual }) => isUsual).map(({ name }) => name)).toEqual(['list']);
    const server = await documentFor(['server']);
    expect(new Set(server.subcommands.map(({ group }) => group))).toEqual(
      new Set(['Servers you use', 'A server you run']),
    );
    const { exitStatuses } = await documentFor(['verify']);
    expect(exitStatuses).toContainEqual({ status: 65, meaning: 'it is not that signature' });
  });

  test('names commands ckm, whatever it was called as; the text for people does not', async () => {
    vi.stubEnv('CKM_CALLED_AS', './ckm');
    expect(await helpFor(['key', 'show', '--help', '--json'])).not.toContain('./ckm');
    const text = await helpFor(['key', 'show', '--help']);
    expect(text).toMatch(/^Usage: \.\/ckm key show [^]*\nExamples:\n {2}\.\/ckm key show notes\n/);
    vi.unstubAllEnvs();
  });
});

describe('the examples in help', () => {
  const leaves = places.filter(({ node }) => node.load !== undefined).map(({ words }) => words.join(' '));

  test('are there for every command', () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(leaves.toSorted());
  });

  test('are read by the parser as they stand, each by its own command', { tags: 'slow' }, async () => {
    for (const [path, lines] of Object.entries(EXAMPLES)) {
      for (const line of lines) expect(await readBy(line), line).toEqual([path]);
    }
  });

  /** Which command a line is read by. @throws CommanderError when none reads it */
  async function readBy(line: string): Promise<string[]> {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
    const program = await createProgram(words);
    const ran: string[] = [];
    const replace = (command: Command, path: string) => {
      if (command.commands.length === 0) command.action(() => void ran.push(path));
      for (const child of command.commands) replace(child, `${path} ${child.name()}`.trim());
    };
    replace(program, '');
    await program.parseAsync(words, { from: 'user' });
    return ran;
  }
});
