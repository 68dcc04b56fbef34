import type { Client, UnreadableRecord } from '@ckm/client';
import { CkmError } from '@ckm/foundation';
import { setTimeout } from 'node:timers/promises';
import type { Context } from '../command-line/context.js';
import { unlockOwner } from './unlock-owner.js';
import { openOwner } from './open-owner.js';

/** A key with which it could not be done, and why. */
export interface FailedKey {
  readonly name: string;
  readonly error: CkmError;
}

/** The owner's client, and every key on record. */
export interface EveryKey {
  readonly client: Client;
  readonly names: readonly string[];
  /** Keys whose records cannot be read: nothing can be asked about them. */
  readonly unreadable: readonly FailedKey[];
}

const KEYS = 'keys/';

/** @throws as {@link openOwner} */
export async function openEveryKey(context: Context): Promise<EveryKey> {
  const leftOut: UnreadableRecord[] = [];
  const client = await openOwner(
    context,
    () => unlockOwner(context),
    (record) => void leftOut.push(record),
  );
  const names = (await client.listKeys()).map((key) => key.name);
  const unreadable = leftOut
    .filter(({ path }) => path.startsWith(KEYS))
    .map(({ path, error }) => ({ name: path.slice(KEYS.length), error }));
  return { client, names, unreadable };
}

/** Keys that are asked about at the same time. */
const AT_ONCE = 4;
/** For longer than this no key holds up another: a server that hangs would, for each of them. */
const PATIENCE_MS = 1_000;

/**
 * Does something with each key, in their order and some at a time; what one of them fails with is told of, and stops no other.
 * @param each is told of every key when it is done
 */
export async function withEveryKey<T>(
  names: readonly string[],
  work: (name: string) => Promise<T>,
  each: (name: string, outcome: T | CkmError) => void,
): Promise<void> {
  const rest = names.values();
  const begun: Promise<void>[] = [];
  const some = async () => {
    for (const name of rest) {
      const done = outcomeOf(() => work(name)).then((outcome) => each(name, outcome));
      done.catch(() => undefined);
      begun.push(done);
      await Promise.race([done, setTimeout(PATIENCE_MS)]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  await Promise.all(begun);
}

async function outcomeOf<T>(work: () => Promise<T>): Promise<T | CkmError> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return error;
  }
}

/** As data. */
export function failedObject({ name, error: { code, message } }: FailedKey) {
  return { name, code, text: message };
}
