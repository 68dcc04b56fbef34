import type { ImportProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { groupOfSuite } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { Reader } from '../../storage/storage.js';
import { refusal } from '../../refusals.js';
import { openHead } from '../keys/stored/key-head.js';

const PAGE = 256;
/** Reading the heads of a thousand keys, in milliseconds of one core. */
export const SCAN_MS = 60;

/**
 * Refuses a public key that this account has here already: one key under two purposes would answer in one of them for what was
 * asked in the other, and the same key twice would be counted, limited and frozen twice. Secp256k1 keys that differ in the sign
 * of y are one, because BIP-340 takes them for one. What waits for its certificate is not seen.
 * @throws StateError `PUBLIC_KEY_TAKEN` · StorageError `ROW_TAMPERED`
 */
export async function assertPublicKeyNew(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  owner: Uint8Array,
  { suite, groupKey }: Pick<ImportProposal, 'suite' | 'groupKey'>,
): Promise<void> {
  let after: Uint8Array | null = null;
  do {
    const rows = await reader.keys.list(owner, { after, limit: PAGE });
    for (const row of rows) {
      const head = openHead(context, row);
      const isSame =
        head.certified !== null &&
        groupOfSuite(head.suite) === groupOfSuite(suite) &&
        isSameKey(head.certified.groupKey, groupKey);
      if (isSame) throw refusal('PUBLIC_KEY_TAKEN', `this public key is here already, for ${head.purpose}`);
    }
    after = rows.length < PAGE ? null : rows.at(-1)!.keyId;
  } while (after !== null);
}

const COMPRESSED = 33;

function isSameKey(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== COMPRESSED) return equalBytes(one, other);
  return equalBytes(one.subarray(1), other.subarray(1));
}
