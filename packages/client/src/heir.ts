import { encodeHex, equalBytes, reveal, secret, wipe } from '@ckm/foundation';
import { type ApproverKey } from './approver/approver-key.js';
import { approverMeans, type ApproverOptions } from './approver/approver.js';
import type { ApproverMeans } from './approver/look.js';
import { type Client, createClient } from './client.js';
import { meantKey, type KeySilence } from './heirs/ask.js';
import { heirKeyNotShown } from './heirs/heir-errors.js';
import { heirOwner } from './heirs/heir-owner.js';
import { askAsHeir, doubtAsHeir, findHeirKey, listSilence } from './heirs/heirs.js';
import type { OwnerSecrets } from './owner/owner.js';
import { encodeServerRecord, serverPath } from './servers/server-record.js';
import type { ClientStore } from './store/client-store.js';
import { memoryStore } from './store/memory-store.js';
import { deriveRecordKey } from './store/record-seal.js';
import { createRecordStore } from './store/record-store.js';
import { storeBelow } from './store/store-below.js';

/** What somebody does whom the terms of keys name for when their owner is silent: an approver, at his own machine. */
export interface Heir {
  /** Every key whose terms name him for that, as its servers show it. */
  list(): Promise<readonly KeySilence[]>;
  /** Nobody is asked. @throws UsageError `HEIR_KEY_UNKNOWN`, `HEIR_KEY_AMBIGUOUS` */
  find(key: string): Promise<ApproverKey>;
  /** Opens a case at every server, or goes on with it: called again until its use is granted. */
  ask(key: string): Promise<KeySilence>;
  /** Says at every server that the owner may live: what another heir asks for waits for its days anew, once for each who says so. */
  doubt(key: string): Promise<KeySilence>;
  /**
   * Uses the key in the place of its owner, once that is granted. The caller closes it.
   * @param isTrial nothing is written: the key is fetched for this once
   * @throws StateError `HEIR_KEY_NOT_SHOWN`
   */
  open(key: string, isTrial?: boolean): Promise<InheritedKey>;
  close(): void;
}

/** A client that has one key, and asks for it in the place of its owner. */
export interface InheritedKey {
  readonly client: Client;
  /** What the key is called there. */
  readonly name: string;
}

/** @param options as of the approver */
export function createHeir(options: ApproverOptions): Heir {
  const means = approverMeans(options);
  return {
    list: () => listSilence(means),
    find: (key) => findHeirKey(means, key),
    ask: (key) => askAsHeir(means, key),
    doubt: (key) => doubtAsHeir(means, key),
    open: async (key, isTrial = false) =>
      openKey(
        means,
        { ...options, ...(isTrial ? { store: memoryStore() } : {}) },
        await findHeirKey(means, key),
      ),
    close: means.close,
  };
}

/** A client that has this one key, among what its approver keeps, and asks in the place of its owner. */
async function openKey(
  means: ApproverMeans,
  { store: files, onUnreadable }: Pick<ApproverOptions, 'store' | 'onUnreadable'>,
  key: ApproverKey,
): Promise<InheritedKey> {
  const { carrier, clock, random, timeoutMs } = means;
  const store = storeBelow(files, `heirs/${encodeHex(key.keyId)}`);
  await pinServers(means, store, key);
  const client = createClient({
    seed: () => secretsOf(means, key),
    store,
    carrier,
    clock,
    random,
    timeoutMs,
    ...(onUnreadable === undefined ? {} : { onUnreadable }),
  });
  try {
    return { client, name: await keepKey(client, key) };
  } catch (error) {
    await client.close();
    throw error;
  }
}

async function secretsOf(means: ApproverMeans, key: ApproverKey): Promise<OwnerSecrets> {
  const copy = reveal(await means.secret(), 'using the key of an owner who is silent').slice();
  return { heir: secret(copy), as: (heir) => heirOwner(heir, meantKey(key), key.name) };
}

/** Those that the owner named when he invited whoever asks. */
async function pinServers(means: ApproverMeans, files: ClientStore, { servers }: ApproverKey): Promise<void> {
  const recordKey = deriveRecordKey(await means.secret());
  const store = createRecordStore(files, () => Promise.resolve(recordKey), undefined);
  for (const { name, url, xid, publicKeys, authority } of servers) {
    if ((await files.get(serverPath(name))) !== null) continue;
    const record = {
      name,
      url,
      title: name,
      xid,
      publicKeys,
      addedAt: means.clock(),
      accountSince: 0,
      authority,
    };
    await store.put(serverPath(name), encodeServerRecord(record));
  }
  wipe(recordKey.mac);
}

/** @returns what the key is called here: as its owner calls it */
async function keepKey(client: Client, { keyId, keyName }: ApproverKey): Promise<string> {
  for (const { name } of await client.listKeys()) {
    if (equalBytes((await client.showKey(name)).keyId, keyId)) return name;
  }
  const { keys } = await client.fetchKeys();
  const fetched = keys.find((one) => equalBytes(one.keyId, keyId));
  if (fetched === undefined) throw heirKeyNotShown(keyName);
  const { key } = await client.keepKey(fetched, { name: keyName });
  return key.record.name;
}
