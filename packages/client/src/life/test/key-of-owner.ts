import type { KeyTerms } from '@ckm/api';
import { secret } from '@ckm/foundation';
import type { BareCaller } from '@ckm/server/test';
import { createCeremony } from '@ckm/testkit';
import type { Client } from '../../client.js';
import { identityForServer } from '../../seed/identity.js';
import { keyOwnerIdentity } from '../../seed/key-owner.js';
import type { ClientStore } from '../../store/client-store.js';
import { memoryStore } from '../../store/memory-store.js';
import { OWNER_SEED, type TestNetwork } from '../../test/test-network.js';

const DAY = 86_400;

/** A key whose terms name an owner key, on record as `savings`. */
export interface KeyOfOwner {
  readonly client: Client;
  readonly keyId: Uint8Array;
  /** The account of the words at each server, in order of slots. */
  readonly callers: readonly BareCaller[];
}

/**
 * @param terms what the terms say besides, which may depend on the id of the key
 * @param making whether the key may leave and what its policy says of that
 */
export async function keyOfOwner(
  network: TestNetwork,
  terms: Partial<KeyTerms> | ((keyId: Uint8Array) => Partial<KeyTerms>) = {},
  store: ClientStore = memoryStore(),
  making: {
    readonly exportable?: boolean;
    readonly policy?: Partial<KeyTerms>;
    /** So many of the servers have the key; absent: all. */
    readonly count?: number;
  } = {},
): Promise<KeyOfOwner> {
  const { exportable = false, policy = {} } = making;
  const client = await network.owner({ store });
  const words = secret(OWNER_SEED.slice());
  const keyId = crypto.getRandomValues(new Uint8Array(32));
  const callers = await Promise.all(
    network.servers
      .slice(0, making.count)
      .map(({ bare, identity }) => bare.as(identityForServer(words, identity.xid))),
  );
  const ownerKey = keyOwnerIdentity(words, keyId).publicKeys.signing.bytes;
  const change = { needed: 0, of: [], delaySeconds: 3 * DAY, words: 30 * DAY };
  await createCeremony({
    servers: callers,
    keyId,
    purpose: 'message',
    needed: 2,
    ...(exportable ? { exportable } : {}),
    policy: {
      ownerKey,
      change,
      ...policy,
      ...(typeof terms === 'function' ? terms(keyId) : terms),
    },
    expiresAt: network.now + 600,
  }).finish();
  const { keys } = await client.fetchKeys();
  await client.keepKey(keys[0]!, { name: 'savings' });
  return { client, keyId, callers };
}
