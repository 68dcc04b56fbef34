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
import type { Call } from '../../context.js';
import { refusal } from '../../refusals.js';
import { sealRecord } from '../../vault/sealed-record.js';
import { readPublicEpoch, verifyStoredEpoch } from '../keys/past-epochs.js';
import { marksOf, noteMarks, openHead } from '../keys/stored-key.js';
import { costOfCertificate } from '../session-cost.js';
import { NO_CHANGE, openChange } from './change-record.js';
import type { DecidingScope } from './deciding.js';
import type { ChangeMeans } from './means.js';

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
 * are kept as evidence, and the key answers nothing here any more.
 * @returns the error to throw then: `KEY_FORKED` with the slots, in the deciding epoch, that signed twice
 * @throws as `verifyChange`, `judgeVotes`, when it does not hold
 */
export async function noteFork(
  { context, charge }: Pick<ChangeMeans, 'context' | 'charge'>,
  call: Call,
  scope: DecidingScope,
  shown: { readonly bytes: Uint8Array; readonly certificate: ChangeCertificate },
) {
  // The whole chain is checked for it, whatever is shown.
  charge(call.account, (scope.epoch + 1) * costOfCertificate(shown.bytes));
  const { before, stored } = await context.storage.read(async (reader) => ({
    before: await verifyStoredEpoch(context, reader, scope, scope.epoch),
    stored: (await readPublicEpoch(context, reader, scope, scope.epoch + 1)).certificate,
  }));
  verifyChange(before, shown.certificate, judgeVotes);
  const slots = whoSignedTwice(before, [parseChangeCertificate(stored), shown.certificate]);
  await call.transact(async (transaction) => {
    const { owner, keyId, epoch } = scope;
    const row = await transaction.keys.hold(owner, keyId);
    const head = row === null ? null : openHead(context, row);
    if (row === null || head === null || head.forked !== undefined) return;
    const kept = await transaction.changes.find(owner, keyId, epoch);
    const record = kept === null ? NO_CHANGE : openChange(context, kept);
    const columns = { owner, keyId, epoch, waiting: false, version: (kept?.version ?? 0) + 1 };
    const evidence = { ...record, fork: shown.bytes };
    await transaction.changes.put(sealRecord(context.vault, 'changes', columns, evidence));
    await noteMarks(context, transaction, row, { ...marksOf(head), forked: epoch + 1 });
    await context.audit.append(transaction, {
      deed: 'change.forked',
      who: owner,
      keyId,
      subject: shown.certificate.change.order,
      sentence: `Two certificates of epoch ${epoch + 1} of a key hold: this server answers nothing with it.`,
      verdict: 'failed',
      policy: '',
      detail: `signed twice: slot ${slots.join(' ')}`,
    });
  });
  return forked(scope.epoch + 1, slots);
}

/** Slots of the deciding epoch whose statements behind two decisions contradict each other. */
function whoSignedTwice(
  before: CertifiedEpoch,
  certificates: readonly ChangeCertificate[],
): readonly number[] {
  const members = membersOf(before.params, before.transcriptHash, { strict: false, released: null });
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
