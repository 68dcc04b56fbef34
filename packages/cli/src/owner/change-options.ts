import type { Command } from 'commander';
import { leaf } from '../command-line/run.js';

/** Exit statuses that say something of their own in commands that change who holds a key. */
export const CHANGE_ENDINGS = {
  69: 'a server that is needed does not answer',
  75: 'too few servers decide for now',
  77: 'servers wait for an operator or a delay, or say no',
} as const;

/** Flags of a change that fewer servers may decide on than ever do. */
export interface ByWordsFlags {
  readonly byWords?: true;
  readonly from: readonly string[];
}

/** Lets the words order what fewer servers decide on. */
export function withByWords(command: Command): Command {
  return command
    .option(
      '--by-words',
      'have as few servers decide as sign, by the words: seven days, and it may fork for ever',
    )
    .option(
      '--from <file>',
      'with --by-words: read them from a file; again for each share; - is stdin',
      again,
      [],
    );
}

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** A command that changes who holds the key of its first argument. */
export function changeLeaf(
  name: string,
  summary: string,
  endings: Readonly<Record<number, string>>,
): Command {
  return leaf(name, summary, endings)
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--key-name <name>', 'its name once more, in the place of typing it; --yes is not enough')
    .option('--wait', 'stay until it is done, however long servers and people are away');
}
