import { equalBytes } from '@ckm/foundation';
import {
  encodeChange,
  findContradictions,
  judgeVotes,
  membersOf,
  parseChangeCertificate,
  parseVotes,
  verifyChange,
  verifySignedChange,
  type CertifiedEpoch,
  type ChangeCertificate,
  type Signed,
  type Statement,
} from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { refusal } from '../../../refusals.js';
import type { Reader } from '../../../storage/storage.js';
import { proveWay, readPublicEpoch, readWay } from '../../keys/past-epochs.js';
import { costOfCertificate, costOfChain } from '../../session-cost.js';
import { type DecidingScope, settledOtherwise } from '../deciding.js';
import { isOvertaken, readForked, settledName, writeForked } from './forked-key.js';
import type { ChangeMeans } from '../means.js';
import { readDecided } from '../chain/show-chain.js';

/** By what the transcript is made of: signatures and votes can be others for the same epoch. */
export function isSameChange(one: ChangeCertificate, other: ChangeCertificate): boolean {
  return (
    equalBytes(encodeChange(one.change), encodeChange(other.change)) &&
    one.deals.length === other.deals.length &&
    one.deals.every(({ dealing }, i) => equalBytes(dealing, other.deals[i]!.dealing))
  );
}

/**
 * Looks at a certificate of an epoch that this server has another certificate of. Where it holds, old members have signed twice: both
 * are kept as evidence, and the key answers nothing here any more, unless it is in a later epoch by now.
 * @returns the error to throw then: `KEY_FORKED` with the slots, in the deciding epoch, that signed twice; `CHANGE_SETTLED` with them where
 * a later epoch is in use
 * @throws as `verifyChange`, `judgeVotes`, when it does not hold; StateError `CHANGE_SETTLED` when it is the one that was settled against
 */
export async function noteFork(
  { context, charge }: Pick<ChangeMeans, 'context' | 'charge'>,
  call: Call,
  scope: DecidingScope,
  shown: { readonly bytes: Uint8Array; readonly certificate: ChangeCertificate },
) {
  // It is checked, and both once more for who signed twice.
  charge(call.account, CHECKS * costOfCertificate(shown.bytes));
  const { way, stored, settled } = await context.storage.read(async (reader) => ({
    way: await readWay(context, reader, scope, scope.epoch),
    stored: await readFollowing(context, reader, scope),
    settled: settledName(await readForked(context, reader, scope)),
  }));
  const before = await proveWay(context, scope, way, (proved) => charge(call.account, costOfChain(proved)));
  verifyChange(before, shown.certificate, judgeVotes);
  if (settled !== null) throw settledOtherwise();
  const slots = whoSignedTwice(before, [parseChangeCertificate(stored), shown.certificate]);
  const isUsed = await call.transact(async (transaction) => {
    const { owner, keyId, epoch } = scope;
    await transaction.keys.hold(owner, keyId);
    const forked = await readForked(context, transaction, scope);
    const isPast = isOvertaken(forked);
    const isKnown = isPast ? forked.record.fork !== null : forked.head.forked === epoch + 1;
    if (isKnown) return isPast;
    await writeForked(context, transaction, forked, { ...forked.record, fork: shown.bytes });
    const what = isPast ? `it goes on in epoch ${forked.newest}` : 'this server answers nothing with it';
    await context.audit.append(transaction, {
      deed: 'change.forked',
      who: owner,
      keyId,
      subject: shown.certificate.change.order,
      sentence: `Two certificates of epoch ${epoch + 1} of a key hold: ${what}.`,
      verdict: 'failed',
      policy: '',
      detail: `signed twice: slot ${slots.join(' ')}`,
    });
    return isPast;
  });
  return isUsed ? overtaken(scope.epoch + 1, slots) : forked(scope.epoch + 1, slots);
}

const CHECKS = 3;

/** The certificate of the next epoch that this server has: it has entered it, or will. @throws StorageError `ROW_TAMPERED` */
async function readFollowing(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  scope: DecidingScope,
): Promise<Uint8Array> {
  const decided = await readDecided(context, reader, scope);
  return decided ?? (await readPublicEpoch(context, reader, scope, scope.epoch + 1)).certificate;
}

/** Slots of the deciding epoch whose statements behind two decisions contradict each other. */
export function whoSignedTwice(
  before: CertifiedEpoch,
  certificates: readonly ChangeCertificate[],
): readonly number[] {
  const members = membersOf(before.params, before.transcriptHash);
  const said = certificates.flatMap((certificate): Signed<Statement>[] => {
    const { transcriptHash } = verifySignedChange(before, certificate);
    const { promises, locks, yields } = parseVotes(certificate, transcriptHash);
    return [...promises, ...locks, ...yields];
  });
  return findContradictions(members, said).map(({ slot }) => slot);
}

function forked(epoch: number, slots: readonly number[]) {
  const facts = { epoch, slots: slots.join(', ') };
  return refusal('KEY_FORKED', `there are two certificates of epoch ${epoch} of this key`, facts);
}

/** What came of the other certificate is in use at no server of the epoch that is in use here, but at those that lie. */
function overtaken(epoch: number, slots: readonly number[]) {
  const facts = { epoch, slots: slots.join(', ') };
  return refusal('CHANGE_SETTLED', 'the key has gone on from another certificate of that epoch', facts);
}
