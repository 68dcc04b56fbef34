import { signIdentityStatement, type Parameters, type Result } from '@ckm/api';
import { encodeHex, equalBytes, StateError, wipe } from '@ckm/foundation';
import {
  encodeKeyParams,
  judgeVotes,
  parseChangeCertificate,
  recoveryAckStatement,
  verifyChange,
  type CertifiedEpoch,
  type ChangeCertificate,
  type RosterEntry,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { Reader, Transaction } from '../../storage/storage.js';
import { sealRecord } from '../../vault/sealed-record.js';
import { wipeKey, type EpochRecord } from '../keys/epoch-record.js';
import { epochsOfChain, readPublicEpoch, storePublicEpoch } from '../keys/past-epochs.js';
import { marksOf, noteMarks, openHead, writeKey, type KeyMarks } from '../keys/stored-key.js';
import { costOfCertificate } from '../session-cost.js';
import { type Deciding, type DecidingScope, ownEntry, readDeciding, settledOtherwise } from './deciding.js';
import { isSameChange, noteFork } from './fork.js';
import { assertKnown, readRosters } from './known-members.js';
import type { ChangeMeans } from './means.js';
import { bytesOfShare, type OwnShare, takeOwnShare } from './own-share.js';

type Committed = Result<'change.commit'>;

/** A certificate that somebody shows, and the epoch that it makes where it holds. */
interface Shown {
  readonly bytes: Uint8Array;
  readonly certificate: ChangeCertificate;
  readonly next: CertifiedEpoch;
  /** This server's place in it; null: it has none. */
  readonly own: RosterEntry | null;
}

/**
 * Goes on to the next epoch of a key, by nothing but the certificate of the change and what this server stored before it signed: however
 * late, by whomever it is brought, one epoch after the other. From then on the share of the epoch before answers nothing, and its nonces
 * are void; it stays stored until it is retired. Where this server is not among the servers of the next epoch, the key answers nothing.
 * @throws as `readDeciding`, `verifyChange`, `judgeVotes`; StateError `CERTIFICATE_OF_ANOTHER_KEY`, `CHANGE_SHARE_LOST`, `KEY_FORKED`
 */
export async function commitChange(
  means: ChangeMeans,
  call: Call,
  { keyId, certificate: bytes }: Parameters<'change.commit'>,
): Promise<Committed> {
  means.charge(call.account, 2 * costOfCertificate(bytes));
  const certificate = parseChangeCertificate(bytes);
  const { next } = certificate.change;
  demand(equalBytes(next.keyId, keyId), 'CERTIFICATE_OF_ANOTHER_KEY', 'the certificate is of another key');
  const scope = { owner: call.account.xid, keyId, epoch: next.epoch - 1 };
  const before = () => doneBefore(means, call, scope, { bytes, certificate });
  const done = await before();
  if (done !== null) return done;
  try {
    return await commitOnce(means, call, scope, { bytes, certificate });
  } catch (error) {
    // Another message, or another replica, was quicker with it.
    const meanwhile = error instanceof StateError ? await before() : null;
    if (meanwhile === null) throw error;
    return meanwhile;
  }
}

type Brought = Pick<Shown, 'bytes' | 'certificate'>;

/** What was answered before; null: this server is not in that epoch yet. @throws StateError `KEY_FORKED` */
async function doneBefore(
  means: ChangeMeans,
  call: Call,
  scope: DecidingScope,
  brought: Brought,
): Promise<Committed | null> {
  const { context } = means;
  const { certificate } = brought;
  const done = await context.storage.read((reader) => readDone(context, reader, scope, certificate));
  if (done === 'other') throw await noteFork(means, call, scope, brought);
  return done;
}

async function commitOnce(
  means: ChangeMeans,
  call: Call,
  scope: DecidingScope,
  { bytes, certificate }: Brought,
): Promise<Committed> {
  const { context } = means;
  const { deciding, known } = await context.storage.read(async (reader) => {
    const found = await readDeciding(context, reader, scope, true);
    return { deciding: found, known: await readRosters(context, reader, found) };
  });
  assertKnown(known, certificate.change);
  const epoch = verifyChange(deciding.before, certificate, judgeVotes);
  assertCounts(deciding, epoch);
  const own = ownEntry(context, epoch.params);
  const shown: Shown = { bytes, certificate, next: epoch, own };
  const share = own === null ? null : takeOwnShare(context, deciding, certificate, own);
  try {
    await repeatWhenRaced(() =>
      call.transact((transaction) => store(means, call, transaction, scope, shown, share)),
    );
  } finally {
    share?.seed.fill(0);
    if (share !== null) wipe(share.keyShare.share);
  }
  context.events.keyActivated({ suite: epoch.params.suite });
  const acknowledgement = own === null ? null : acknowledge(context, epoch, own);
  return { transcriptHash: epoch.transcriptHash, acknowledgement, epoch: epoch.params.epoch };
}

/**
 * What was answered before, where this server is in that epoch or a later one; `other`: it is there by another certificate.
 */
async function readDone(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch }: DecidingScope,
  certificate: ChangeCertificate,
): Promise<Committed | 'other' | null> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) return null;
  const head = openHead(context, row);
  if (Math.max(row.epoch, head.left?.epoch ?? 0) <= epoch) return null;
  const stored = await readPublicEpoch(context, reader, row, epoch + 1);
  if (!isSameChange(parseChangeCertificate(stored.certificate), certificate)) return 'other';
  const { next } = certificate.change;
  const own = ownEntry(context, next);
  const transcriptHash =
    head.left?.epoch === epoch + 1
      ? head.left.transcriptHash
      : row.epoch === epoch + 1
        ? head.certified!.transcriptHash
        : await hashAfter(context, reader, row, epoch + 2);
  const acknowledgement = own === null ? null : acknowledge(context, { params: next, transcriptHash }, own);
  return { transcriptHash, acknowledgement, epoch: epoch + 1 };
}

/** What the epoch before one is named, as that one has it certified. */
async function hashAfter(
  context: ServerContext,
  reader: Reader,
  key: { readonly owner: Uint8Array; readonly keyId: Uint8Array },
  epoch: number,
): Promise<Uint8Array> {
  const { certificate } = await readPublicEpoch(context, reader, key, epoch);
  return parseChangeCertificate(certificate).change.next.previous;
}

function acknowledge(
  { identity }: Pick<ServerContext, 'identity'>,
  { params: { keyId, epoch }, transcriptHash }: Pick<CertifiedEpoch, 'params' | 'transcriptHash'>,
  { slot }: RosterEntry,
): Uint8Array {
  return signIdentityStatement(identity, recoveryAckStatement({ keyId, epoch, slot, transcriptHash }));
}

async function store(
  { context }: ChangeMeans,
  call: Call,
  transaction: Transaction,
  scope: DecidingScope,
  shown: Shown,
  share: OwnShare | null,
): Promise<void> {
  const { owner, keyId } = scope;
  await transaction.keys.hold(owner, keyId);
  const deciding = await readDeciding(context, transaction, scope, true);
  assertCounts(deciding, shown.next);
  const { record, changeRow } = deciding;
  if (share === null) await leave(context, transaction, deciding, shown);
  else await goOn(context, transaction, deciding, shown, share);
  if (changeRow !== null) {
    const { version } = changeRow;
    const columns = { owner, keyId, epoch: scope.epoch, waiting: false, version: version + 1 };
    // The root stays as long as the share of the epoch before: servers may settle on another certificate.
    const over = { ...record, joining: null };
    await transaction.changes.put(sealRecord(context.vault, 'changes', columns, over));
  }
  const { params, transcriptHash } = shown.next;
  await context.audit.append(transaction, {
    deed: 'change.commit',
    who: owner,
    keyId,
    subject: shown.certificate.change.order,
    sentence: `Epoch ${params.epoch} of a key (${params.suite}) for ${params.purpose}: ${params.quorum.needed} of ${params.quorum.of} servers.`,
    verdict: 'done',
    policy: '',
    detail: `${share === null ? 'left' : `slot ${shown.own!.slot}`}, transcript ${encodeHex(transcriptHash).slice(0, 8)}`,
  });
}

/** Where servers settled which certificate counts, no other one does. @throws StateError `CHANGE_SETTLED` */
function assertCounts(
  { key, former, record: { settled } }: Deciding,
  { transcriptHash }: Pick<CertifiedEpoch, 'transcriptHash'>,
): void {
  const { counts } = (key ?? former)?.head ?? {};
  const only = counts ?? settled?.names[0];
  if (only !== undefined && !equalBytes(only, transcriptHash)) throw settledOtherwise();
}

/** This server is not among those of the next epoch. Its share stays until it is retired. */
async function leave(
  context: ServerContext,
  transaction: Transaction,
  { key, owner, keyId }: Deciding,
  { bytes, next: { params, transcriptHash } }: Shown,
): Promise<void> {
  if (key === null) throw refusal('CHANGE_NOT_MEMBER', 'this server is of neither of the two epochs');
  const { epoch } = params;
  const marks = { ...withoutFork(marksOf(key.head)), left: { epoch, transcriptHash } };
  await noteMarks(context, transaction, key.row, marks);
  const shown = { parameters: encodeKeyParams(params), certificate: bytes };
  await storePublicEpoch(context, transaction, { owner, keyId }, epoch, shown);
}

/** No quota stops it: what was decided binds every server, and one that stayed behind would be lost to the key. */
async function goOn(
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
    const marks = marksAfter(context, deciding, share);
    await writeKey(context, transaction, (key ?? former)?.row ?? null, name, record, marks);
  } finally {
    wipeKey({ ...record, staticSeed: null });
  }
  for (const [epoch, past] of epochsOfChain(joining?.chain ?? []).entries()) {
    if ((await transaction.epochs.find(owner, keyId, epoch)) === null)
      await storePublicEpoch(context, transaction, { owner, keyId }, epoch, past);
  }
}

/** It goes over to what was settled, and answers again. */
function withoutFork({
  forked: _forked,
  settling: _settling,
  counts: _counts,
  ...marks
}: KeyMarks): KeyMarks {
  return marks;
}

const FORGOT_BYTES = 32;

/** What its head says from then on. What it forgot of an epoch it has not forgotten of one that it signed since. */
function marksAfter(
  { clock, random }: Pick<ServerContext, 'clock' | 'random'>,
  { key, former, record: { joining }, before }: Deciding,
  { isRemembered }: OwnShare,
): KeyMarks {
  const first = key === null ? joining!.first : (key.head.first ?? before.transcriptHash);
  const marks = withoutFork(marksOf((key ?? former)?.head ?? null));
  const { change: _change, left: _left, forgot, ...kept } = marks;
  const forgets = isRemembered ? {} : { forgot: forgot ?? random(FORGOT_BYTES) };
  return { ...kept, ...forgets, since: clock(), first };
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
    policy: key?.head.policy ?? joining!.policy,
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
    },
  };
}
