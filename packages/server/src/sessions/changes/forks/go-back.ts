import { signIdentityStatement } from '@ckm/api';
import { type CertifiedEpoch, encodeKeyParams, type PartyIndex, recoveryAckStatement } from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import type { Transaction } from '../../../storage/storage.js';
import { type KeyMarks, marksOf } from '../../keys/stored/key-head.js';
import { rewindHead } from '../../keys/stored/note-marks.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import type { ChangeRecord, JoiningKey } from '../change-record.js';
import { ownEntry } from '../deciding.js';
import { destroyRoot } from '../receiver-seeds.js';
import type { Evidence } from './evidence.js';
import { type ForkedKey, putForked, withoutStand, withSettledInstead } from './forked-key.js';
import { wasNeverIn } from './never-in.js';

/**
 * The keys of shares that came of a certificate that is dead, before the rows: the key never comes back to them. Those
 * of its later epochs too, and what was kept for the next. Only while the key is held: an epoch has one file, whichever certificate
 * it was entered by.
 */
export function destroyDead(context: ServerContext, { owner, keyId, epoch, row }: ForkedKey): void {
  for (let dead = row.epoch; dead > epoch; dead--) {
    context.epochKeys.destroy({ owner, keyId, epoch: dead });
    destroyRoot(context, { owner, keyId, epoch: dead });
  }
}

export interface GoingBack {
  readonly forked: ForkedKey;
  readonly record: ChangeRecord;
  readonly evidence: Evidence;
}

/** Leaves the key stopped, in the epoch before the one that is forked; whoever joined by the dead certificate has never been in. */
export async function goBack(
  context: ServerContext,
  transaction: Transaction,
  { forked, record, evidence }: GoingBack,
): Promise<void> {
  const { before, names } = evidence;
  const { owner, keyId, epoch, row, head } = forked;
  destroyDead(context, forked);
  await removeDead(transaction, forked);
  const own = ownEntry(context, before.params);
  const joining = own === null ? joiningOf(forked, evidence) : null;
  const version = await putForked(context, transaction, forked, { ...record, joining, decided: null });
  const {
    left,
    change: _change,
    decided: _decided,
    helped: _helped,
    awaits: _awaits,
    neverIn: _neverIn,
    ...kept
  } = withoutStand(marksOf(head), epoch);
  const said = withSettledInstead(head, epoch + 1, names[0]!);
  const stopped = { ...kept, ...said, forked: epoch + 1, settling: version, counts: names[0]! };
  const isNew = wasNeverIn(context, forked, record, evidence) ? { neverIn: true as const } : {};
  const marks: KeyMarks =
    own === null ? { ...stopped, left: leftSince(before) } : { ...stopped, ...isNew, change: version };
  const isBehind = left !== undefined && row.epoch < epoch;
  const epochRow = await transaction.epochs.find(owner, keyId, isBehind ? row.epoch : epoch);
  const at = isBehind
    ? { epoch: row.epoch, quorum: head.quorum, slot: head.slot, certified: head.certified }
    : {
        epoch,
        quorum: before.params.quorum,
        slot: own?.slot ?? head.slot,
        certified: certifiedAs(context, before, own?.slot ?? null),
      };
  await rewindHead(context, transaction, row, { ...at, material: epochRow?.version ?? 1 }, marks);
}

function leftSince({ params, transcriptHash }: CertifiedEpoch) {
  return { epoch: params.epoch, transcriptHash };
}

/** What the head says of an epoch that it was in, or, of one that it never was in, what everybody may know. */
function certifiedAs(
  { identity }: Pick<ServerContext, 'identity'>,
  { params, transcriptHash, public: known }: CertifiedEpoch,
  slot: PartyIndex | null,
) {
  const { keyId, epoch } = params;
  const { groupKey, commitment, verifyingShares, chainCode } = known;
  const acknowledgement =
    slot === null
      ? new Uint8Array(64)
      : signIdentityStatement(identity, recoveryAckStatement({ keyId, epoch, slot, transcriptHash }));
  return { transcriptHash, acknowledgement, groupKey, commitment, verifyingShares, chainCode };
}

/** With what was said of changes behind it: the epoch of that number that counts is another one. */
export async function removeDead(
  transaction: Transaction,
  { owner, keyId, epoch, newest }: ForkedKey,
): Promise<void> {
  for (let dead = epoch + 1; dead <= newest; dead++) {
    await transaction.shares.remove(owner, keyId, dead);
    await transaction.epochs.remove(owner, keyId, dead);
    await transaction.changes.remove(owner, keyId, dead);
  }
}

/** What a server that joined by another certificate knows of the key. Its certificates up to there are stored with the key. */
function joiningOf({ head }: ForkedKey, { before }: Evidence): JoiningKey {
  return {
    policy: head.policy,
    chain: [],
    first: head.first ?? before.transcriptHash,
    parameters: encodeKeyParams(before.params),
    ...provedBy(before),
  };
}
