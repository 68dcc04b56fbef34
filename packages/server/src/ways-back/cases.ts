import {
  type CaseView,
  type ContactKind,
  recoveryAskerKnown,
  recoveryEnded,
  recoveryOther,
  recoveryUnknown,
} from '@ckm/api';
import { type CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { Account } from '../accounts/accounts.js';
import type { RecoveryRow, Transaction } from '../storage/storage.js';
import { countedBy } from '../sessions/waiting-time.js';
import {
  type Case,
  type CaseProof,
  caseViewOf,
  isOverruling,
  isResting,
  openCase,
  outranked,
  type Pause,
  proven,
  provenBehind,
  type Veto,
  vetoed,
  weightOf,
} from './case.js';
import type { WaysBackMeans } from './means.js';
import { casesOf, findCase, isOutOfTime, storeCase, type StoredCase } from './stored-cases.js';
import { contactsOf, endBegun, isUsable } from './stored-contacts.js';
import { tellContacts } from './tell.js';

/** Cases of one account that are kept: whoever brings one key after the other replaces his own. */
const MOST_KEPT = 16;

/** A contact that was shown just now. */
export interface ShownContact {
  readonly owner: Uint8Array;
  /** Its id. */
  readonly contact: Uint8Array;
  readonly kind: ContactKind;
  readonly delaySeconds: number;
}

/**
 * Goes on with the case of a key by a contact that was shown for it, or opens it. One of an account waits at a time: that with most contacts, of as many the first.
 * What is shown for another one is kept, so that whoever has more can show them one by one.
 * @param id of the key
 * @param account of the contact, held by this transaction
 * @returns an error, to be thrown once it has committed
 */
export async function provenBy(
  means: WaysBackMeans,
  transaction: Transaction,
  { id, account }: { readonly id: Uint8Array; readonly account: Account },
  shown: ShownContact,
  detail: string = shown.kind,
): Promise<CaseView | CkmError> {
  const { context, counting } = means;
  const counter = counting();
  const mine = await findCase(context, transaction, id);
  if (mine !== null && !equalBytes(mine.row.owner, shown.owner)) return recoveryOther();
  if (mine !== null && (isEnd(mine) || isOutOfTime(mine, counter))) return recoveryEnded(endOf(mine));
  if (isDeviceOf(account, id)) return recoveryAskerKnown();
  const all = await casesOf(context, transaction, shown.owner);
  const others = all.filter(({ row }) => !equalBytes(row.id, id));
  const rivals = others.filter((one) => one.row.state === 'waiting' && !isOutOfTime(one, counter));
  const pause = pauseIn(means, others);
  const before = mine?.one ?? openCase(context.clock(), pause?.rested ?? null);
  const proof = { contact: shown.contact, kind: shown.kind, at: context.clock() };
  const next = await nextOf(means, transaction, shown, { before, proof, rivals, pause });
  const isBehind = rivals.length > 0 && next.state !== 'waiting';
  const place = { id, owner: shown.owner };
  const isAsBefore = next.state === before.state && next.proofs.length === before.proofs.length;
  if (mine !== null && isAsBefore) return isBehind ? recoveryOther() : caseViewOf(id, next, counter);
  if (mine === null && all.length >= MOST_KEPT) {
    const spare = spareOf(means, all, shown.contact);
    if (spare === null) return recoveryOther();
    await transaction.recoveries.remove(spare.row.id);
  }
  await storeCase(context, transaction, place, mine?.row ?? null, next);
  // What a device has begun about contacts would be over before this is: no way back leaves, and none of its own comes.
  if (next.state === 'waiting' && isOverruling(next))
    await endBegun(means, transaction, shown.owner, (by) => !equalBytes(by, account.keys.words.id));
  const begins = next.state === 'waiting' && before.waited === null;
  for (const rival of begins ? rivals : []) {
    await storeCase(context, transaction, rival.row, rival.row, outranked(rival.one));
    const sentence = 'Have a recovery wait no more: another one has more contacts of the account';
    await noteCase(means, transaction, rival.row, 'recovery.outrank', sentence, detail);
  }
  if (begins) await tellContacts(means, transaction, shown.owner, 'recovering');
  const what = begins
    ? 'Have the recovery of an account wait for its delay'
    : 'Take one more contact for the recovery of an account';
  await noteCase(means, transaction, place, begins ? 'recovery.begin' : 'recovery.prove', what, detail);
  return isBehind ? recoveryOther() : caseViewOf(id, next, counter);
}

/** How a case goes on by a contact: behind another one that waits, unless it has more contacts than that. */
async function nextOf(
  { context, counting }: WaysBackMeans,
  transaction: Transaction,
  { owner, delaySeconds }: ShownContact,
  {
    before,
    proof,
    rivals,
    pause,
  }: {
    readonly before: Case;
    readonly proof: CaseProof;
    readonly rivals: readonly StoredCase[];
    readonly pause: Pause | null;
  },
): Promise<Case> {
  const counter = counting();
  const next = proven(before, proof, delaySeconds, counter, pause);
  if (rivals.length === 0) return next;
  const usable = (await contactsOf(context, transaction, owner)).filter(({ contact }) =>
    isUsable(counter, contact),
  );
  const isThere = (id: Uint8Array) => usable.some(({ row }) => equalBytes(row.id, id));
  const isMore = rivals.every(({ one }) => weightOf(next, isThere) > weightOf(one, isThere));
  return isMore ? next : provenBehind(before, proof, delaySeconds);
}

function isEnd({ row }: StoredCase): boolean {
  return row.state === 'done' || row.state === 'over';
}

function endOf({ row }: StoredCase): 'done' | 'over' {
  return row.state === 'done' ? 'done' : 'over';
}

/** A key that the account has recovers nothing: its own devices would take that list for none that follows. */
export function isDeviceOf({ keys }: Account, id: Uint8Array): boolean {
  return [...keys.devices.values()].some((key) => equalBytes(key.id, id));
}

/**
 * What of an account nothing is lost with: what came in a pause or behind another one, of that contact first, then of the contact that fills most places, the oldest
 * first; then what is over; null: nothing.
 */
function spareOf(
  { counting }: WaysBackMeans,
  all: readonly StoredCase[],
  contact: Uint8Array,
): StoredCase | null {
  const counter = counting();
  const rank = ({ one }: StoredCase) => {
    const isHis = one.proofs.some((proof) => equalBytes(proof.contact, contact));
    if (one.state === 'vetoed' && one.vetoes.length === 0) return isHis ? 0 : 1;
    return one.state === 'over' || (one.state === 'vetoed' && !isResting(one, counter)) ? 2 : 3;
  };
  const spare = all.filter((one) => rank(one) < 3);
  const places = (id: Uint8Array) =>
    spare.filter(({ one }) => one.proofs.some((proof) => equalBytes(proof.contact, id))).length;
  // Whoever has one contact and many keys keeps those out of no place who have another one.
  const crowd = ({ one }: StoredCase) => Math.min(...one.proofs.map((proof) => places(proof.contact)));
  const byPlace = (a: StoredCase, b: StoredCase) =>
    rank(a) - rank(b) || crowd(b) - crowd(a) || a.one.openedAt - b.one.openedAt;
  return spare.toSorted(byPlace)[0] ?? null;
}

/** What an account rests for in which somebody has said no; null: it need not rest. */
function pauseIn({ counting }: WaysBackMeans, others: readonly StoredCase[]): Pause | null {
  const counter = counting();
  const resting = others.filter(({ one }) => one.state === 'vetoed' && isResting(one, counter));
  const left = ({ one }: StoredCase) => one.rested!.needed - countedBy(counter, one.rested!);
  const rested = resting.toSorted((a, b) => left(b) - left(a))[0]?.one.rested ?? null;
  return rested === null ? null : { rested, vetoes: resting.flatMap(({ one }) => one.vetoes) };
}

/** Says no, as a contact, to whatever other recovery of its account waits. */
export async function vetoOthers(
  means: WaysBackMeans,
  transaction: Transaction,
  id: Uint8Array,
  { owner, contact }: ShownContact,
): Promise<CaseView | CkmError> {
  const { context, counting } = means;
  const counter = counting();
  const all = await casesOf(context, transaction, owner);
  const waiting = all.find(
    (one) => one.row.state === 'waiting' && !equalBytes(one.row.id, id) && !isOutOfTime(one, counter),
  );
  if (waiting === undefined) return recoveryUnknown();
  return vetoCase(means, transaction, waiting, { by: 'contact', id: contact, at: context.clock() });
}

/** Says no to a case. */
export async function vetoCase(
  means: WaysBackMeans,
  transaction: Transaction,
  { row, one }: StoredCase,
  veto: Veto,
): Promise<CaseView> {
  const { context, counting } = means;
  const counter = counting();
  const next = vetoed(one, veto, counter);
  if (next !== one) {
    await storeCase(context, transaction, row, row, next);
    const isStopped = next.state === 'vetoed' && one.state === 'waiting';
    if (isStopped) await tellContacts(means, transaction, row.owner, 'vetoed');
    const what = isStopped
      ? 'Stop the recovery of an account'
      : 'Say no to the recovery of an account, which goes on';
    await noteCase(means, transaction, row, 'recovery.veto', what, WHO[veto.by](veto.id));
  }
  return caseViewOf(row.id, next, counter);
}

const WHO: Readonly<Record<Veto['by'], (id: Uint8Array) => string>> = {
  words: () => 'by the words',
  device: (id) => `by device ${encodeHex(id).slice(0, 8)}`,
  contact: (id) => `by contact ${encodeHex(id).slice(0, 8)}`,
};

/** Whether the contacts that were shown are still there, and still overrule whoever said no. */
export async function hasProofsLeft(
  { context, counting }: WaysBackMeans,
  transaction: Transaction,
  { row, one }: StoredCase,
): Promise<boolean> {
  const counter = counting();
  const usable = (await contactsOf(context, transaction, row.owner)).filter(({ contact }) =>
    isUsable(counter, contact),
  );
  const proofs = one.proofs.filter((proof) =>
    usable.some((other) => equalBytes(other.row.id, proof.contact)),
  );
  const left: Case = { ...one, proofs };
  return proofs.length > 0 && (one.vetoes.length === 0 || isOverruling(left));
}

async function noteCase(
  { context }: WaysBackMeans,
  transaction: Transaction,
  { id, owner }: Pick<RecoveryRow, 'id' | 'owner'>,
  deed: string,
  sentence: string,
  detail = '',
): Promise<void> {
  await context.audit.append(transaction, {
    deed,
    who: owner,
    keyId: null,
    subject: id,
    sentence,
    verdict: 'done',
    policy: '',
    detail,
  });
}
