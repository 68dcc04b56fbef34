import { AccessError, equalBytes, UsageError } from '@ckm/foundation';
import type { BitcoinNetwork } from '@ckm/requests';
import type { ClientContext } from '../../context/context.js';
import { parseName } from '../../store/names.js';
import { assertNameFree } from '../free-name.js';
import { chainOf, newestParams } from '../chain/key-chain.js';
import { certifyRecord, type CertifiedKey, type KeyRecord } from '../key-record.js';
import { listKeyRecords, loadKeyRecord, saveKeyRecord } from '../keys.js';
import { collectPromises, type Unpromised } from './collect-promises.js';
import type { FetchedKey } from './fetched-key.js';

export interface KeepKeyArgs {
  /** Default: the suggested one. */
  readonly name?: string;
  /**
   * Whose addresses are shown; servers do not know. Default: what the recovery sheet said, else `bitcoin`. Of no effect for other
   * purposes.
   */
  readonly network?: BitcoinNetwork;
}

/** A key that is on record, and which of its servers keep it from being complete. */
export interface KeptKey {
  readonly key: CertifiedKey;
  readonly missing: readonly Unpromised[];
}

/**
 * Puts a fetched key on record under a name. It may sign at once; it is complete, and its addresses are shown, when every
 * one of its servers has promised anew that it stored the certificate.
 * @throws UsageError `NAME_INVALID`, `KEY_EXISTS`; AccessError `KEY_NOT_VOUCHED`; StorageError `KEY_CERTIFICATE_INVALID`
 */
export async function keepKey(
  context: ClientContext,
  fetched: FetchedKey,
  { name: wanted = fetched.suggestedName, network = fetched.expected?.network ?? 'bitcoin' }: KeepKeyArgs,
): Promise<KeptKey> {
  const name = parseName('key', wanted);
  if (!fetched.isVouched) throw notVouched(fetched);
  await assertNew(context, name, fetched);
  const { policy, createdAt, purpose } = fetched;
  const record: KeyRecord = {
    name,
    ...chainOf(fetched),
    policy,
    network: purpose === 'bitcoin' ? network : null,
    createdAt,
    acknowledged: [],
    fetchedAt: context.clock(),
  };
  const { acknowledged, missing } = await collectPromises(context, certifyRecord(record));
  assertVouched(fetched, acknowledged);
  const complete = { ...record, acknowledged };
  await context.store.exclusive('key-names', async () => {
    await assertNew(context, name, fetched);
    await saveKeyRecord(context.store, complete);
  });
  return { key: certifyRecord(complete), missing };
}

/**
 * Asks the servers of a key that is on record and not complete for the promises it lacks.
 * @throws UsageError `KEY_UNKNOWN`; StorageError
 */
export async function completeKey(context: ClientContext, name: string): Promise<KeptKey> {
  const { store } = context;
  const { acknowledged, missing } = await collectPromises(
    context,
    certifyRecord(await loadKeyRecord(store, name)),
  );
  const record = await store.exclusive('key-names', async () => {
    const now = await loadKeyRecord(store, name);
    const all = { ...now, acknowledged: [...new Set([...now.acknowledged, ...acknowledged])] };
    await saveKeyRecord(store, all);
    return all;
  });
  const key = certifyRecord(record);
  return { key, missing: missing.filter(({ slot }) => !key.record.acknowledged.includes(slot)) };
}

async function assertNew(context: ClientContext, name: string, { keyId }: FetchedKey): Promise<void> {
  await assertNameFree(context, name);
  const twin = (await listKeyRecords(context.store)).find((record) =>
    equalBytes(newestParams(record).keyId, keyId),
  );
  if (twin === undefined) return;
  throw new UsageError(`this key is on record already as ${twin.name}`, {
    code: 'KEY_EXISTS',
    hint: `use it as ${twin.name}, or rename it`,
    remedy: { kind: 'renameKey', key: twin.name },
  });
}

/**
 * A share that waits for its certificate may be of another key: ids are chosen by whoever makes a key, also that of
 * somebody else. Its server vouches by completing it with this certificate, which it does for no other.
 * @throws AccessError `KEY_NOT_VOUCHED`
 */
function assertVouched(fetched: FetchedKey, acknowledged: readonly number[]): void {
  const showed = fetched.servers.filter(({ verdict }) => verdict === 'holds').map(({ slot }) => slot);
  if (new Set([...showed, ...acknowledged]).size < fetched.quorum.needed) throw notVouched(fetched);
}

function notVouched({ quorum, suggestedName }: FetchedKey): AccessError {
  return new AccessError(`fewer than ${quorum.needed} servers say that the key ${suggestedName} is yours`, {
    code: 'KEY_NOT_VOUCHED',
    hint: 'add the other servers of the key, or wait until they answer; then fetch it again',
    remedy: { kind: 'fetchKeys' },
  });
}
