import {
  contactMailOff,
  type Parameters,
  recoveryAskerKnown,
  recoveryEarly,
  recoveryEnded,
  recoveryNotProven,
  recoverySuspended,
  recoveryUnknown,
  type Result,
} from '@ckm/api';
import type { CkmError } from '@ckm/foundation';
import type { Account } from '../accounts/accounts.js';
import type { AskerCall } from '../context.js';
import { PEOPLE_MAIL, type PeopleMail } from '../outbox/people-ways.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';
import { caseViewOf, ended, isReady } from './case.js';
import { hasProofsLeft, isDeviceOf, provenBy, vetoOthers } from './cases.js';
import { CODE_SECONDS, codeFor, codeStep, handleOf } from './handles.js';
import type { WaysBackMeans } from './means.js';
import { judgeNamed, type NamedMeans } from './named.js';
import { readProof } from './proof.js';
import { findCase, isOutOfTime, storeCase, type StoredCase } from './stored-cases.js';
import { changeContact, isUsable, openContact } from './stored-contacts.js';
import { tellContacts } from './tell.js';
import { takeTry } from './tries.js';

const MOST_NAMED = 8;
/** Codes that are sent to one address in a day, whoever asks. */
const MOST_SENDINGS = 24;

/**
 * Has a code sent to an address that is the contact of an account. For one that is of nobody the same is written, and goes nowhere: neither the answer nor
 * what it took says whether it is (P9).
 */
export async function openRecovery(
  { context, counting, decoys }: NamedMeans,
  call: AskerCall,
  { contact }: Parameters<'recovery.open'>,
): Promise<Result<'recovery.open'>> {
  assertAsker(call);
  const { handleKey, config } = context;
  if (config.mail === null) throw contactMailOff();
  const address = contact.name.toLowerCase();
  const handle = handleOf(handleKey, 'mail', address);
  await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const sending = handleOf(handleKey, 'sending', address);
      const isAllowed = await takeTry(context, transaction, sending, MOST_SENDINGS);
      // Whoever asks for more than are sent leaves nothing more, whether there is such an address or not.
      if (!isAllowed) return;
      const rows = await transaction.contacts.withHandle(handle, MOST_NAMED);
      const counter = counting();
      const found =
        rows.length === 0 ? [decoys('mail', handle)] : rows.map((row) => openContact(context, row));
      const isUsed = found.some((one) => isUsable(counter, one.contact));
      const isThere = rows.length > 0 && isUsed;
      const at = context.clock();
      const code = codeFor(handleKey, { handle, about: call.sender }, codeStep(at));
      const to = isThere ? address : null;
      const content: PeopleMail = { to, what: 'code', code, isFirst: false, at };
      // Not under the account: what others ask for must not use up what its owner is told with.
      const owner = handle;
      await context.outbox.put(transaction, { owner, way: PEOPLE_MAIL, content });
    }),
  );
  return { until: (codeStep(context.clock()) + 2) * CODE_SECONDS };
}

/** Shows a contact: begins a recovery, goes on with it, or says no to another one. */
export async function proveContact(
  means: NamedMeans,
  call: AskerCall,
  parameters: Parameters<'recovery.prove'>,
): Promise<Result<'recovery.prove'>> {
  assertAsker(call);
  const read = readProof(parameters.proof);
  return committed(call, async (transaction) => {
    const { context } = means;
    const found = await judgeNamed(means, transaction, call, parameters, read);
    if (found === null) return recoveryNotProven();
    const { stored, judged } = found;
    const account = await context.accounts.hold(transaction, stored.row.owner);
    await changeContact(context, transaction, stored, { ...stored.contact, lastStep: judged.step });
    if (account === null || account.status !== 'active') return recoverySuspended();
    const shown = { owner: account.xid, contact: stored.row.id, ...stored.contact };
    return parameters.deed === 'veto'
      ? vetoOthers(means, transaction, call.sender, shown)
      : provenBy(means, transaction, { id: call.sender, account }, shown);
  });
}

export async function showRecovery(
  { context, counting }: WaysBackMeans,
  call: AskerCall,
): Promise<Result<'recovery.show'>> {
  assertAsker(call);
  const stored = await context.storage.read((reader) => findCase(context, reader, call.sender));
  if (stored === null) throw recoveryUnknown();
  const counter = counting();
  const one = isOutOfTime(stored, counter) ? ended(stored.one, 'over') : stored.one;
  return caseViewOf(call.sender, one, counter);
}

/** Lets whoever asks in, when his time is there. Done again it is done once. */
export async function finishRecovery(
  means: WaysBackMeans,
  call: AskerCall,
  { notes }: Parameters<'recovery.finish'>,
): Promise<Result<'recovery.finish'>> {
  assertAsker(call);
  const { context } = means;
  const done = await committed(call, async (transaction) => {
    const first = await findCase(context, transaction, call.sender);
    if (first === null) return recoveryUnknown();
    const account = await context.accounts.hold(transaction, first.row.owner);
    // Read again: nobody changes it any more.
    const stored = (await findCase(context, transaction, call.sender)) ?? first;
    if (stored.row.state === 'done') return { account: stored.row.owner, after: [] };
    const refused = await refusalOf(means, transaction, account, stored);
    if (refused !== null || account === null) return refused ?? recoverySuspended();
    const after = await means.recover(transaction, account, call.publicKeys, notes);
    await storeCase(context, transaction, stored.row, stored.row, ended(stored.one, 'done'));
    await tellContacts(means, transaction, account.xid, 'recovered');
    return { account: account.xid, after };
  });
  for (const work of done.after) await work();
  return { account: done.account };
}

/** Why a recovery is not finished; null: it may be. */
async function refusalOf(
  means: WaysBackMeans,
  transaction: Transaction,
  account: Account | null,
  stored: StoredCase,
): Promise<CkmError | null> {
  const counter = means.counting();
  const { one } = stored;
  if (account === null || account.status !== 'active') return recoverySuspended();
  if (isDeviceOf(account, stored.row.id)) return recoveryAskerKnown();
  if (one.state === 'vetoed') return recoveryEnded('vetoed');
  if (one.state !== 'waiting' || isOutOfTime(stored, counter)) return recoveryEnded('over');
  if (!isReady(one, counter)) {
    return recoveryEarly(caseViewOf(stored.row.id, one, counter).readyAt ?? counter.now);
  }
  return (await hasProofsLeft(means, transaction, stored)) ? null : recoveryEnded('over');
}

/** A key that an account has already recovers none: it would be that of two. */
function assertAsker({ account }: AskerCall): void {
  if (account !== null) throw recoveryAskerKnown();
}

/** What `work` returns as an error is thrown once it has committed: what was tried is counted then. */
async function committed<T extends object>(
  call: AskerCall,
  work: (transaction: Transaction) => Promise<T | CkmError>,
): Promise<T> {
  const done = await repeatWhenRaced(() => call.transact(work));
  if (done instanceof Error) throw done;
  return done;
}
