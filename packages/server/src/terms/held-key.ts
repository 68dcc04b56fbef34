import type { ServerContext } from '../context.js';
import { demand, refusal } from '../refusals.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { keyForked, keyLeft } from '../sessions/keys/over.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import type { KeyRow, Reader, Transaction } from '../storage/storage.js';

/** A key whose terms are looked at. */
export interface KeyWithTerms {
  readonly row: KeyRow;
  readonly head: KeyHead;
}

interface KeyName {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
}

/** @throws AccessError `KEY_UNKNOWN` */
export async function findKey(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId }: KeyName,
): Promise<KeyWithTerms> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  return { row, head: openHead(context, row) };
}

/**
 * Holds a key whose terms are about to change; a frozen one too: a freeze stops no tightening.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_LEFT`, `KEY_FORKED`
 */
export async function holdKey(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
): Promise<KeyWithTerms> {
  const row = await holdRecalled(context, transaction, name);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  demand(row.state === 'active', 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  const head = openHead(context, row);
  if (head.left !== undefined) throw keyLeft(head.left.epoch);
  if (head.forked !== undefined) throw keyForked(head.forked);
  return { row, head };
}
