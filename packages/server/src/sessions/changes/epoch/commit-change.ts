import type { Parameters } from '@ckm/api';
import { encodeHex, equalBytes, StateError, wipe } from '@ckm/foundation';
import {
  encodeKeyParams,
  isByWords,
  judgeVotes,
  parseChangeCertificate,
  verifyChange,
  type CertifiedEpoch,
  type ChangeCertificate,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { demand, refusal } from '../../../refusals.js';
import { rowChanged } from '../../../storage/codes.js';
import { repeatWhenRaced } from '../../../storage/raced.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { sealRecord } from '../../../vault/sealed-record.js';
import { certifiedBy, provedBy } from '../../keys/stored/proved-epoch.js';
import { openHead } from '../../keys/stored/key-head.js';
import { costOfCertificate } from '../../session-cost.js';
import { acknowledge, ACKNOWLEDGEMENT_MS, isHeld } from '../chain/acknowledged.js';
import { beginEpoch } from './begin-epoch.js';
import { type Committed, readDone } from './committed.js';
import { type DecidedEpoch, writeChange } from '../change-record.js';
import { endAsking } from '../asked-people.js';
import { type Deciding, type DecidingScope, ownEntry, readDeciding, settledOtherwise } from '../deciding.js';
import { endRepairs, endTries } from '../end-tries.js';
import { goOn, leave, type Shown } from './enter-epoch.js';
import { isSameChange, noteFork } from '../forks/fork.js';
import { assertKnown } from '../chain/known-members.js';
import type { ChangeMeans } from '../means.js';
import { type OwnShare, takeOwnShare } from '../own-share.js';

/**
 * Goes on to the next epoch of a key, by nothing but the certificate of the change and what this server stored before it signed: however
 * late, by whomever it is brought, one epoch after the other. First it keeps the certificate, says that it has its share, and goes on
 * using the epoch before. Shown that as many servers of the next one hold their shares as its quorum needs, or a certificate of the epoch
 * behind it, it enters: from then on the share of the epoch before answers nothing, and its nonces are void; it stays stored until it is
 * retired. Where this server is not among the servers of the next epoch, the key answers nothing then.
 * @throws as `readDeciding`, `verifyChange`, `judgeVotes`; StateError `CERTIFICATE_OF_ANOTHER_KEY`, `CHANGE_SHARE_LOST`, `KEY_FORKED`
 */
export async function commitChange(
  means: ChangeMeans,
  call: Call,
  { keyId, certificate: bytes, acknowledgements = [] }: Parameters<'change.commit'>,
): Promise<Committed> {
  means.charge(call.account, 2 * costOfCertificate(bytes) + acknowledgements.length * ACKNOWLEDGEMENT_MS);
  const certificate = parseChangeCertificate(bytes);
  const { next } = certificate.change;
  demand(equalBytes(next.keyId, keyId), 'CERTIFICATE_OF_ANOTHER_KEY', 'the certificate is of another key');
  const scope = { owner: call.account.xid, keyId, epoch: next.epoch - 1 };
  const brought = { bytes, certificate, acknowledgements };
  const before = () => doneBefore(means, call, scope, brought);
  const done = await before();
  if (done !== null) return done;
  try {
    await enterFollowed(means, call, scope, certificate);
    return await commitOnce(means, call, scope, brought);
  } catch (error) {
    // Another message, or another replica, was quicker with it.
    const meanwhile = error instanceof StateError ? await before() : null;
    if (meanwhile === null) throw error;
    return meanwhile;
  }
}

type Brought = Pick<Shown, 'bytes' | 'certificate'> & {
  readonly acknowledgements: NonNullable<Parameters<'change.commit'>['acknowledgements']>;
};

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

/**
 * Enters an epoch that this server had not entered yet, where the certificate of the epoch behind it is shown: members of it that are in it have decided
 * on that, as many as its quorum needs or more.
 */
async function enterFollowed(
  means: ChangeMeans,
  call: Call,
  scope: DecidingScope,
  following: ChangeCertificate,
): Promise<void> {
  const { context } = means;
  const earlier = { ...scope, epoch: scope.epoch - 1 };
  const deciding = await context.storage.read((reader) => readIfDecided(context, reader, earlier));
  if (deciding === null) return;
  const shown = shownOf(context, deciding.record.decided!);
  verifyChange(shown.next, following, judgeVotes);
  await settle(means, call, deciding, shown, true);
}

/** Null: nothing is decided there, or this server has entered it. */
async function readIfDecided(
  context: ServerContext,
  reader: Reader,
  scope: DecidingScope,
): Promise<Deciding | null> {
  const { owner, keyId, epoch } = scope;
  if (epoch < 0 || (await reader.changes.find(owner, keyId, epoch)) === null) return null;
  const row = await reader.keys.find(owner, keyId);
  if (row !== null && Math.max(row.epoch, openHead(context, row).left?.epoch ?? 0) > epoch) return null;
  const deciding = await readDeciding(context, reader, scope);
  return deciding.record.decided === null ? null : deciding;
}

async function commitOnce(
  means: ChangeMeans,
  call: Call,
  scope: DecidingScope,
  brought: Brought,
): Promise<Committed> {
  const { context } = means;
  const deciding = await context.storage.read((reader) => readDeciding(context, reader, scope, true));
  const { decided } = deciding.record;
  const kept = decided === null ? null : shownOf(context, decided);
  if (kept !== null && !isSameChange(kept.certificate, brought.certificate))
    throw await noteFork(means, call, scope, brought);
  const shown = kept ?? (await verified(means, call, deciding, brought));
  assertCounts(deciding, shown.next);
  // Where its servers settled which certificate counts, the epoch before is in use nowhere any more.
  const isSettled = countsIn(deciding) !== undefined;
  const isEntered = isSettled || isHeld(shown.next, brought.acknowledgements, shown.own);
  await settle(means, call, deciding, shown, isEntered);
  const { params, transcriptHash } = shown.next;
  const acknowledgement = shown.own === null ? null : acknowledge(context, shown.next, shown.own);
  return { transcriptHash, acknowledgement, epoch: params.epoch, isEntered };
}

/** @throws as `verifyChange`, `judgeVotes`, {@link assertKnown} */
async function verified(
  means: ChangeMeans,
  call: Call,
  deciding: Deciding,
  { bytes, certificate }: Brought,
): Promise<Shown> {
  const { context } = means;
  const next = verifyChange(deciding.before, certificate, judgeVotes, context.checkedChanges);
  await assertKnown(means, call, deciding, [certificate.change]);
  return { bytes, certificate, next, own: ownEntry(context, next.params) };
}

/** What was checked when it was stored. */
function shownOf(context: ServerContext, decided: DecidedEpoch): Shown {
  const { certificate: bytes, parameters } = decided;
  const next = certifiedBy(parameters, decided);
  const own = ownEntry(context, next.params);
  return { bytes, certificate: parseChangeCertificate(bytes), next, own };
}

/** Takes this server's share out of the certificate, and enters the epoch or keeps its certificate for later. @throws StateError `CHANGE_SHARE_LOST` */
async function settle(
  means: ChangeMeans,
  call: Call,
  deciding: Deciding,
  shown: Shown,
  isEntered: boolean,
): Promise<void> {
  const { own } = shown;
  const share = own === null ? null : takeOwnShare(means.context, deciding, shown.certificate, own);
  try {
    await repeatWhenRaced(() =>
      call.transact((transaction) =>
        isEntered
          ? enter(means, call, transaction, deciding, shown, share)
          : keep(means, call, transaction, deciding, shown),
      ),
    );
  } finally {
    share?.seed.fill(0);
    if (share !== null) wipe(share.keyShare.share);
  }
  if (isEntered) means.context.events.keyActivated({ suite: shown.next.params.suite });
}

/** What is stored of the deciding epoch by now, held. @throws StateError `ROW_CHANGED` where another certificate is decided meanwhile */
async function holdDeciding(
  context: ServerContext,
  transaction: Transaction,
  scope: DecidingScope,
  { certificate, next }: Shown,
): Promise<Deciding> {
  await transaction.keys.hold(scope.owner, scope.keyId);
  const deciding = await readDeciding(context, transaction, scope, true);
  assertCounts(deciding, next);
  const { decided } = deciding.record;
  const isIt = decided === null || isSameChange(parseChangeCertificate(decided.certificate), certificate);
  if (!isIt) throw rowChanged('changes');
  return deciding;
}

/** The certificate stands, and decides: nothing else is said of the epoch before, which stays in use. */
async function keep(
  { context }: ChangeMeans,
  call: Call,
  transaction: Transaction,
  scope: DecidingScope,
  shown: Shown,
): Promise<void> {
  const deciding = await holdDeciding(context, transaction, scope, shown);
  const { owner, keyId, epoch, key, changeRow, record } = deciding;
  if (key === null && changeRow === null)
    throw refusal('CHANGE_NOT_MEMBER', 'this server is of neither of the two epochs');
  if (record.decided !== null) return;
  await endAsking(context, transaction, key, record);
  const { bytes: certificate, next } = shown;
  const decided = { certificate, parameters: encodeKeyParams(next.params), ...provedBy(next) };
  await writeChange(context, transaction, { owner, keyId, epoch }, key?.row ?? null, changeRow, {
    ...record,
    decided,
  });
  await endTries(context, transaction, scope);
  await note(context, transaction, 'keep', deciding, shown);
}

async function enter(
  { context }: ChangeMeans,
  call: Call,
  transaction: Transaction,
  scope: DecidingScope,
  shown: Shown,
  share: OwnShare | null,
): Promise<void> {
  const { owner, keyId, epoch } = scope;
  const deciding = await holdDeciding(context, transaction, scope, shown);
  const { record, changeRow } = deciding;
  await endAsking(context, transaction, deciding.key, record);
  if (share === null) await leave(context, transaction, deciding, shown);
  else await goOn(context, transaction, deciding, shown, share);
  if (changeRow !== null) {
    const { version } = changeRow;
    const columns = { owner, keyId, epoch, waiting: false, version: version + 1 };
    // The root stays as long as the share of the epoch before: servers may settle on another certificate.
    const over = { ...record, joining: null, freezes: [], decided: null };
    await transaction.changes.put(sealRecord(context.vault, 'changes', columns, over));
  }
  if (share !== null) await beginEpoch(context, transaction, { owner, keyId });
  await endTries(context, transaction, scope);
  await endRepairs(context, transaction, scope);
  await note(context, transaction, share === null ? 'leave' : 'enter', deciding, shown);
}

/** What a server does about a certificate, as its log tells each apart. */
const STEPS = {
  keep: { deed: 'change.keep', begins: 'Keep the certificate of', detail: 'not entered yet' },
  enter: { deed: 'change.commit', begins: 'Go over to', detail: null },
  leave: { deed: 'change.commit', begins: 'Leave by', detail: 'left' },
} as const;

async function note(
  context: ServerContext,
  transaction: Transaction,
  step: keyof typeof STEPS,
  { owner, before }: Pick<Deciding, 'owner' | 'before'>,
  { certificate, next: { params, transcriptHash }, own }: Shown,
): Promise<void> {
  const { deed, begins, detail } = STEPS[step];
  const marked = isByWords(certificate, { before, transcriptHash }) ? ', by the words: may fork' : '';
  await context.audit.append(transaction, {
    deed,
    who: owner,
    keyId: params.keyId,
    subject: certificate.change.order,
    sentence: `${begins} epoch ${params.epoch} of a key (${params.suite}) for ${params.purpose}: ${params.quorum.needed} of ${params.quorum.of} servers.`,
    verdict: 'done',
    policy: '',
    detail: `${detail ?? `slot ${own!.slot}`}, transcript ${encodeHex(transcriptHash).slice(0, 8)}${marked}`,
  });
}

/** The transcript hash of the one certificate that counts, where this server was shown what was settled; undefined: it was not. */
function countsIn({ key, former }: Deciding): Uint8Array | undefined {
  return (key ?? former)?.head.counts;
}

/** Where servers settled which certificate counts, no other one does. @throws StateError `CHANGE_SETTLED` */
function assertCounts(deciding: Deciding, { transcriptHash }: Pick<CertifiedEpoch, 'transcriptHash'>): void {
  const { settled } = deciding.record;
  const counts = countsIn(deciding);
  const only = counts ?? settled?.names[0];
  if (only !== undefined && !equalBytes(only, transcriptHash)) throw settledOtherwise();
}
