import { encodeHex, equalBytes, StorageError } from '@ckm/foundation';
import type { Participant } from '../servers/ask-all.js';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from './key-record.js';
import { serverPath, type ServerRecord } from '../servers/server-record.js';
import { listServerRecords } from '../servers/servers.js';

/**
 * The servers of a key that are still on record, each with the identity that the key's certificate names.
 * @throws StorageError `SERVER_PIN_DIFFERS` when record and certificate disagree: one of them was changed on disk
 */
export async function rosterOf(
  { store }: Pick<ClientContext, 'store'>,
  { record, newest }: Pick<CertifiedKey, 'record' | 'newest'>,
): Promise<readonly Participant[]> {
  const pinned = new Map<string, ServerRecord>(
    (await listServerRecords(store)).map((server) => [encodeHex(server.xid), server]),
  );
  return newest.params.roster.flatMap(({ slot, serverId, identityKey }) => {
    const server = pinned.get(encodeHex(serverId));
    if (server === undefined) return [];
    if (!equalBytes(server.publicKeys.signing.bytes, identityKey)) throw pinDiffers(server, record.name);
    return [{ slot, server }];
  });
}

function pinDiffers({ name }: ServerRecord, key: string): StorageError {
  return new StorageError(
    `the record of server ${name} holds another identity than key ${key} was made with`,
    {
      code: 'SERVER_PIN_DIFFERS',
      hint: `somebody changed one of the two: restore store/${serverPath(name)} and store/keys/${key} from a copy`,
      facts: { server: name, key },
    },
  );
}
