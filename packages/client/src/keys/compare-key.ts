import { equalBytes, PeerFaultError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import {
  type CertifiedKey,
  type KeyComparison,
  keyPath,
  type KeyRecord,
  parseKeyRecord,
} from './key-record.js';
import { listKeyRecords, loadKeyRecord, saveKeyRecord } from './keys.js';

/**
 * Puts on record what the owner of a key found when he compared its likeness with what operators see; found anew, it takes the
 * place of what he found before.
 * @param key as it was shown to him: he has compared no other, whatever its name means by now
 * @throws UsageError `KEY_UNKNOWN`; PeerFaultError `KEY_LIKENESS_DIFFERS` when another key has the name now
 */
export async function noteComparison(
  { store, clock }: ClientContext,
  { record: { name, certificate } }: CertifiedKey,
  outcome: KeyComparison['outcome'],
): Promise<KeyRecord> {
  return store.exclusive('key-names', async () => {
    const now = await loadKeyRecord(store, name);
    if (!equalBytes(now.certificate, certificate)) throw likenessDiffers(name);
    const noted: KeyRecord = { ...now, comparison: { outcome, at: clock() } };
    await saveKeyRecord(store, noted);
    return noted;
  });
}

/**
 * Refuses a key of which an operator sees another likeness than its owner: nothing is signed with it or handed out of it until the
 * owner has settled that.
 * @throws PeerFaultError `KEY_LIKENESS_DIFFERS`
 */
export function requireUndisputed({ name, comparison }: KeyRecord): void {
  if (comparison?.outcome === 'different') throw likenessDiffers(name);
}

/**
 * The same by what is on record now, whatever the key is called by now: its owner may have compared it since the record was read.
 * @throws PeerFaultError `KEY_LIKENESS_DIFFERS`
 */
export async function requireStillUndisputed({ store }: ClientContext, record: KeyRecord): Promise<void> {
  const isSame = ({ certificate }: KeyRecord) => equalBytes(certificate, record.certificate);
  const path = keyPath(record.name);
  const bytes = await store.get(path);
  const named = bytes === null ? undefined : parseKeyRecord(path, bytes);
  const now = named !== undefined && isSame(named) ? named : (await listKeyRecords(store)).find(isSame);
  if (now !== undefined) requireUndisputed(now);
}

export function likenessDiffers(name: string): PeerFaultError {
  return new PeerFaultError(`an operator sees another likeness for ${name}`, {
    code: 'KEY_LIKENESS_DIFFERS',
    hint: 'send nothing to it, and ask the operator of each server which likeness he sees; once everybody sees the same, say so',
    remedy: { kind: 'compareKey', key: name },
    retryable: false,
  });
}
