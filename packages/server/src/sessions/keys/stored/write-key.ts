import { type KeyTerms, versionOf } from '@ckm/api';
import type { ServerContext } from '../../../context.js';
import type { KeyRow, Reader, Transaction } from '../../../storage/storage.js';
import { sealRecord } from '../../../vault/sealed-record.js';
import type { EpochRecord } from './epoch-record.js';
import { type HeadEpoch, type KeyHead, type KeyMarks, marksOf, openHead, sealHead } from './key-head.js';
import { provedIn } from './proved-epoch.js';
import { isShareHere, type KeyEpoch, type KeySecrets, storedFrom, type StoredFrom } from './read-key.js';

/**
 * Stores a key: for the first time, or the next version of `before`. The key of its epoch is on the disk before a row names
 * it.
 * @param marks what its head says besides, where that is not what it said before
 * @throws StateError `ROW_EXISTS`, `ROW_CHANGED`
 */
export async function writeKey(
  context: ServerContext,
  transaction: Transaction,
  before: KeyRow | null,
  { owner, keyId, state }: Pick<KeyRow, 'owner' | 'keyId' | 'state'>,
  record: EpochRecord,
  marks?: KeyMarks,
): Promise<KeyRow> {
  const known = before === null ? null : openHead(context, before);
  const isSameEpoch = before?.epoch === record.epoch;
  const material = isSameEpoch ? known!.material + 1 : 1;
  const stored = marks ?? (await marksOfStored(context, transaction, before, state));
  const { policy, marks: said } = termsKept(known, record, stored);
  const row = sealHead(
    context,
    known,
    { ...headEpochOf({ ...record, policy }, material), ...said },
    {
      owner,
      keyId,
      state,
      epoch: record.epoch,
      version: (before?.version ?? 0) + 1,
      createdAt: before?.createdAt ?? context.clock(),
    },
  );
  await (before === null ? transaction.keys.insert(row) : transaction.keys.update(row));
  // What was given back may lie in backups of before that nobody here knows of.
  const isNew = marks?.since !== undefined || (before === null && state === 'pending');
  const from = isSameEpoch
    ? await storedFrom(context, transaction, before)
    : isNew
      ? { since: context.clock(), after: (await transaction.audit.head())?.sequence ?? 0 }
      : {};
  await writeEpoch(context, transaction, { ...row, version: material }, record, from);
  return row;
}

/**
 * Terms never fall: what a certificate names may be older than what is in force here (L8). Where it is later, that is in force, and what was to follow
 * the terms before is over.
 */
function termsKept(
  known: KeyHead | null,
  { policy }: Pick<EpochRecord, 'policy'>,
  marks: KeyMarks,
): { readonly policy: KeyTerms; readonly marks: KeyMarks } {
  if (known === null || versionOf(policy) === versionOf(known.policy)) return { policy, marks };
  if (versionOf(policy) < versionOf(known.policy)) return { policy: known.policy, marks };
  const { nextTerms: _next, certifiedTerms: _certified, ...kept } = marks;
  return { policy, marks: kept };
}

/** The public half of it. */
function headEpochOf(
  { suite, purpose, quorum, policy, slot, sessionId, certified }: EpochRecord,
  material: number,
): HeadEpoch {
  const common = { suite, purpose, quorum, policy, slot, sessionId, material };
  if (certified === null) return { ...common, certified };
  const { share: _share, certificate: _certificate, ...publicHalf } = certified;
  return { ...common, certified: publicHalf };
}

/**
 * One that comes back in use, where nothing of it was left or what sealed its share was gone, may have decided on a change of which it
 * knows nothing: rows that are there may be of an older day.
 */
async function marksOfStored(
  context: Pick<ServerContext, 'random' | 'epochKeys' | 'vault' | 'events'>,
  reader: Reader,
  before: KeyRow | null,
  state: KeyRow['state'],
): Promise<KeyMarks> {
  const isBack = before === null ? state === 'active' : !(await isShareHere(context, reader, before));
  const marks = marksOf(before === null ? null : openHead(context, before));
  return isBack ? { ...marks, forgot: context.random(FORGOT_BYTES) } : marks;
}

const FORGOT_BYTES = 32;

/** Its public record, and its secrets under a new key of its own. */
async function writeEpoch(
  { vault, epochKeys }: ServerContext,
  transaction: Transaction,
  { owner, keyId, epoch, version }: Pick<KeyRow, 'owner' | 'keyId' | 'epoch' | 'version'>,
  { parameters, pending, staticSeed, certified }: EpochRecord,
  from: StoredFrom,
): Promise<void> {
  const { share = null, certificate = null } = certified ?? {};
  const columns = { owner, keyId, epoch, version };
  const proved = certified === null ? {} : { proved: provedIn(certified) };
  const shown: KeyEpoch = { parameters, certificate, ...proved, ...from };
  await transaction.epochs.put(sealRecord(vault, 'key_epochs', columns, shown));
  const secrets: KeySecrets = { share, pending, staticSeed };
  const own = epochKeys.renew({ owner, keyId, epoch });
  try {
    await transaction.shares.put(sealRecord(own, 'shares', columns, secrets));
  } finally {
    own.wipe();
  }
}
