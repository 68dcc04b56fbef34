import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import type { CommandNode } from './command-line/command-node.js';
import { COMMAND_TREE } from './command-tree.js';

const ROOT = join(import.meta.dirname, '../../..');

interface Mention {
  readonly where: string;
  readonly words: readonly string[];
  /** A line of an example, to be typed as it stands; else a mention in a sentence, which may leave arguments out. */
  readonly isExample: boolean;
}

function pagesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(node_modules|dist|src|\..*)$/.test(entry.name) ? [] : pagesBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The words of a command line up to where the shell, or a remark after two spaces, goes on. */
function wordsOf(line: string): string[] {
  const typed = line.split(/ {2,}|\s+(?:>>?|\||&&|;|#)(?=\s)|[)；;]/)[0]!;
  return [...typed.matchAll(/"[^"]*"|'[^']*'|\S+/g)].map(([word]) => word);
}

function mentionsIn(path: string): Mention[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const where = relative('.', path);
  const mentions: Mention[] = [];
  let isFenced = false;
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('```')) isFenced = !isFenced;
    else if (isFenced) {
      const typed = /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:.*\$\()?ckm ([a-z].*)$/.exec(line)?.[1];
      if (typed !== undefined) mentions.push({ where, words: wordsOf(typed), isExample: true });
    } else {
      for (const [, typed] of line.matchAll(/`ckm ([a-z][^`]*)`/g))
        mentions.push({ where, words: wordsOf(typed!), isExample: false });
    }
  }
  return mentions;
}

const isPlaceholder = (word: string) => /^(…|\.\.\.|\[.*|.*\]|\|.*)$/.test(word);

/** What is wrong with a command line, as far as its words can tell; null: nothing. */
async function faultIn({ words, isExample }: Mention): Promise<string | null> {
  let node: CommandNode = COMMAND_TREE;
  if (words[0] === 'help' && words[1] === 'exit') return null;
  let rest = words[0] === 'help' ? words.slice(1) : [...words];
  while (node.load === undefined) {
    const next = node.commands?.find(({ name }) => name === rest[0]);
    if (next !== undefined) rest = rest.slice(1);
    const usual = node.commands?.find(({ name }) => name === node.usual);
    if (next === undefined && (rest[0] === undefined || rest[0].startsWith('-'))) {
      if (usual === undefined) return isExample ? 'names no command' : null;
      node = usual;
    } else if (next === undefined) {
      if (usual === undefined) return `knows no ${rest[0]}`;
      node = usual;
    } else node = next;
  }
  return faultInArguments(await node.load(), rest, isExample);
}

function faultInArguments(command: Command, words: readonly string[], isExample: boolean): string | null {
  let given = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') break;
    if (isPlaceholder(word)) continue;
    if (!word.startsWith('-') || word === '-') {
      given++;
      continue;
    }
    const [flag, value] = word.split('=');
    const option = command.options.find(({ long, short }) => long === flag || short === flag);
    if (option === undefined) return `has no ${flag}`;
    if (option.required && value === undefined) i++;
  }
  const known = command.registeredArguments;
  const most = known.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : known.length;
  const least = isExample ? known.filter(({ required }) => required).length : 0;
  return given < least || given > most ? `takes ${known.length} arguments, not ${given}` : null;
}

test(
  'every command in the documents is one: its words, its flags, and how many arguments it takes',
  { tags: 'slow' },
  async () => {
    const mentions = [
      'README.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      ...pagesBelow('docs'),
      ...pagesBelow('packages'),
    ]
      // Set-up lays the list of changes, of earlier commands too, beside each package.
      .filter((path) => !path.endsWith('CHANGELOG.md'))
      .flatMap(mentionsIn);
    const wrong: string[] = [];
    for (const mention of mentions) {
      const fault = await faultIn(mention);
      if (fault !== null) wrong.push(`${mention.where}: ckm ${mention.words.join(' ')}: ${fault}`);
    }
    expect(wrong).toEqual([]);
    expect(mentions.filter(({ isExample }) => isExample).length).toBeGreaterThan(30);
  },
);
