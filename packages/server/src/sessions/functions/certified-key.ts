import type { ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import type { KeyName } from '../../vault/head-counts.js';
import { type KeyHead, openHead } from '../keys/stored/key-head.js';

/** A key of which something can be said. */
export interface Certified {
  readonly row: KeyRow;
  readonly head: KeyHead;
}

/** @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED` */
export async function findCertified(
  reader: Reader,
  { vault }: Pick<ServerContext, 'vault'>,
  { owner, keyId }: KeyName,
): Promise<Certified> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const head = openHead({ vault }, row);
  demand(head.certified !== null, 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  demand(head.forked === undefined, 'KEY_FORKED', 'there are two certificates of an epoch of this key');
  return { row, head };
}
