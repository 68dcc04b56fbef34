import { type KeyTerms, versionOf } from '@ckm/api';
import {
  encodeKeyParams,
  type CertifiedEpoch,
  type ChangeCertificate,
  type RosterEntry,
} from '@ckm/threshold';
import type { ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { Transaction } from '../../../storage/storage.js';
import { assertInForce } from '../../keys/certified-policy.js';
import { countingAnew } from '../../keys/counts/count-anew.js';
import { type EpochRecord, wipeKey } from '../../keys/stored/epoch-record.js';
import { epochsOfChain, storePublicEpoch } from '../../keys/past-epochs.js';
import { provedBy } from '../../keys/stored/proved-epoch.js';
import { type KeyMarks, marksOf } from '../../keys/stored/key-head.js';
import { noteMarks } from '../../keys/stored/note-marks.js';
import { writeKey } from '../../keys/stored/write-key.js';
import { acknowledge } from '../chain/acknowledged.js';
import type { JoiningKey } from '../change-record.js';
import type { Deciding } from '../deciding.js';
import { takeFreezes } from './joining-freezes.js';
import { bytesOfShare, type OwnShare } from '../own-share.js';
import { takeShown } from '../chain/shown-epochs.js';

/** A certificate that somebody shows, and the epoch that it makes where it holds. */
export interface Shown {
  readonly bytes: Uint8Array;
  readonly certificate: ChangeCertificate;
  readonly next: CertifiedEpoch;
  /** This server's place in it; null: it has none. */
  readonly own: RosterEntry | null;
}

/** This server is not among those of the next epoch. Its share stays until it is retired. */
export async function leave(
  context: ServerContext,
  transaction: Transaction,
  { key, owner, keyId }: Deciding,
  { bytes, next }: Shown,
): Promise<void> {
  const { params, transcriptHash } = next;
  if (key === null) throw refusal('CHANGE_NOT_MEMBER', 'this server is of neither of the two epochs');
  const { epoch } = params;
  const { decided: _decided, ...kept } = withoutFork(marksOf(key.head));
  const marks = { ...kept, left: { epoch, transcriptHash } };
  await noteMarks(context, transaction, key.row, marks);
  const shown = { parameters: encodeKeyParams(params), certificate: bytes, proved: provedBy(next) };
  await storePublicEpoch(context, transaction, { owner, keyId }, epoch, shown);
}

/** No quota stops it: what was decided binds every server, and one that stayed behind would be lost to the key. */
export async function goOn(
  context: ServerContext,
  transaction: Transaction,
  deciding: Deciding,
  shown: Shown,
  share: OwnShare,
): Promise<void> {
  const {
    owner,
    keyId,
    key,
    former,
    record: { joining },
  } = deciding;
  const record = recordOf(context, deciding, shown, share);
  try {
    const name = { owner, keyId, state: 'active' as const };
    const marks = withCertified(marksAfter(context, deciding, record, share), record, shown.next);
    await writeKey(context, transaction, (key ?? former)?.row ?? null, name, record, marks);
  } finally {
    wipeKey({ ...record, staticSeed: null });
  }
  if (key === null) await takeFreezes(context, transaction, { owner, keyId }, deciding.epoch);
  if (joining !== null) await storePast(context, transaction, deciding, joining);
}

/** The certificates of the epochs before the one in which this server joined. */
async function storePast(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId, former, epoch }: Deciding,
  { chain, transcriptHash }: JoiningKey,
): Promise<void> {
  const name = { owner, keyId };
  if (chain.length === 0) return takeShown(context, transaction, name, former, { epoch, transcriptHash });
  for (const [number, past] of epochsOfChain(chain).entries()) {
    if ((await transaction.epochs.find(owner, keyId, number)) === null)
      await storePublicEpoch(context, transaction, name, number, past);
  }
}

/** It goes over to what was settled, and answers again. */
function withoutFork({
  forked: _forked,
  settling: _settling,
  counts: _counts,
  neverIn: _neverIn,
  ...marks
}: KeyMarks): KeyMarks {
  return marks;
}

const FORGOT_BYTES = 32;

/** What its head says from then on. What it forgot of an epoch it has not forgotten of one that it signed since. */
function marksAfter(
  context: Pick<ServerContext, 'clock' | 'random'>,
  { key, former, record: { joining }, before }: Deciding,
  entered: Pick<EpochRecord, 'epoch' | 'purpose'>,
  { isRemembered }: OwnShare,
): KeyMarks {
  const first = key === null ? joining!.first : (key.head.first ?? before.transcriptHash);
  const marks = withoutFork(marksOf((key ?? former)?.head ?? null));
  const { change: _change, decided: _decided, left: _left, forgot, ...kept } = marks;
  const lapse = forgot === undefined ? {} : { lapse: forgot };
  const forgets = isRemembered ? lapse : { forgot: forgot ?? context.random(FORGOT_BYTES) };
  const isJoining = key === null;
  const anew = isJoining ? countingAnew(context, entered, { joined: entered.epoch, nonce: kept.asks }) : {};
  return { ...kept, ...forgets, ...anew, since: context.clock(), first };
}

/** Which terms the certificate names, where those in force are later ones. */
function withCertified(
  { certifiedTerms: _before, ...marks }: KeyMarks,
  { policy }: Pick<EpochRecord, 'policy'>,
  { termsVersion }: CertifiedEpoch,
): KeyMarks {
  return versionOf(policy) === termsVersion ? marks : { ...marks, certifiedTerms: termsVersion };
}

/**
 * The terms that are in force from then on: those in force here, which may be later ones than were certified, and never earlier ones. Whoever signed for the epoch
 * had them; one that came back from an older state since is shown them first.
 * @throws StateError `TERMS_DIFFER`
 */
function termsFor(inForce: KeyTerms, { params, termsVersion }: CertifiedEpoch): KeyTerms {
  if (versionOf(inForce) <= termsVersion) assertInForce(inForce, termsVersion, params.termsHash);
  return inForce;
}

function recordOf(
  context: ServerContext,
  { key, record: { joining } }: Deciding,
  { bytes, next, own }: Shown,
  { keyShare, seed }: OwnShare,
): EpochRecord {
  const { suite, purpose, quorum, epoch } = next.params;
  const { groupKey, commitment, verifyingShares, chainCode } = next.public;
  return {
    suite,
    purpose,
    quorum,
    policy: termsFor(key?.head.policy ?? joining!.policy, next),
    slot: own!.slot,
    epoch,
    sessionId: null,
    parameters: encodeKeyParams(next.params),
    pending: null,
    staticSeed: seed,
    certified: {
      share: bytesOfShare(keyShare),
      certificate: bytes,
      transcriptHash: next.transcriptHash,
      acknowledgement: acknowledge(context, next, own!),
      groupKey,
      commitment,
      verifyingShares,
      chainCode,
      ...(next.termsVersion === 0 ? {} : { termsVersion: next.termsVersion }),
    },
  };
}
