import { encodeHex, equalBytes, StorageError } from '@ckm/foundation';
import type { Participant } from '../servers/ask-all.js';
import type { ClientContext } from '../context/context.js';
import type { CertifiedKey } from './key-record.js';
import { asXid, formatWords, likenessOf } from '@ckm/gordian';
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

/**
 * A server of a key that is not on record here, as the certificate of the key names it: enough to leave it out, and to know
 * it again. It is called by its likeness: its address is whatever it chose to say, also the name of another server.
 */
export function unrecordedMember({
  serverId,
  identityKey,
  sealingKey,
  url,
}: CertifiedKey['newest']['params']['roster'][number]): ServerRecord {
  const name = formatWords(likenessOf(serverId));
  return {
    name,
    url: ADDRESS.test(url) && URL.canParse(url) ? url : 'http://unknown.invalid',
    title: name,
    xid: asXid(serverId),
    publicKeys: { signing: { scheme: 'ed25519', bytes: identityKey }, agreement: sealingKey },
    addedAt: 0,
    accountSince: null,
    authority: null,
  };
}

const ADDRESS = /^https?:\/\//;

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
