import { type Secret, wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { readBackup } from './read-backup.js';

/** Flags of a command that the words may sign. */
export interface WordsFlags {
  readonly words?: true;
  readonly from: readonly string[];
}

/** @param what they do there */
export function addWordsFlags(command: Command, what: string): Command {
  return command
    .option('--words', `${what}: type them, or shares of the seed`)
    .option('--from <file>', 'read them from a file instead; again for each share; - is stdin', again, []);
}

function again(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/**
 * Reads the words where they are wanted, for as long as work goes on.
 * @param work undefined: they are not wanted
 */
export async function withWords<T>(
  context: Context,
  { words, from }: WordsFlags,
  work: (words: Secret<Uint8Array> | undefined) => Promise<T>,
): Promise<T> {
  if (words !== true && from.length === 0) return work(undefined);
  const { seed } = await readBackup(context, from);
  try {
    return await work(seed);
  } finally {
    wipe(seed);
  }
}
