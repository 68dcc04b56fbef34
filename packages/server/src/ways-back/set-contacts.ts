import {
  CONTACT_DELAY_SECONDS,
  contactCodeWrong,
  contactMailOff,
  contactsRest,
  contactThere,
  contactUnknown,
  deviceTooYoung,
  MAX_CONTACTS,
  type Parameters,
  RECOVERY_DELAY_SECONDS,
  type Result,
  tooManyContacts,
  type WantedContact,
} from '@ckm/api';
import { type CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { accessError } from '../accounts/codes.js';
import type { Call } from '../context.js';
import { PEOPLE_MAIL, type PeopleMail } from '../outbox/people-ways.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';
import { waitFrom, type WaitingTime } from '../sessions/waiting-time.js';
import { isOverruling } from './case.js';
import { codeFor, codeStep, handleOf } from './handles.js';
import type { WaysBackMeans } from './means.js';
import { judgeProof, readProof } from './proof.js';
import { casesOf, isOutOfTime, type StoredCase } from './stored-cases.js';
import {
  changeContact,
  type Contact,
  contactsOf,
  endBegun,
  sealContact,
  setsUp,
  stateOf,
  type StoredContact,
  viewOf,
} from './stored-contacts.js';
import { takeTry } from './tries.js';
import { tellContacts } from './tell.js';
import { drawTotpName } from './totp-name.js';

const TOTP_SECRET_BYTES = 20;
/** Codes that one account has sent in a day, to whatever address: nobody is written to by a stranger without end. */
const MOST_SENDINGS = 20;

export async function listContacts(
  { context, counting }: WaysBackMeans,
  { account, by }: Call,
): Promise<Result<'contact.list'>> {
  const counter = counting();
  const stored = await context.storage.read((reader) => contactsOf(context, reader, account.xid));
  const contacts = stored.map((one) => viewOf(counter, one, by)).filter((view) => view !== null);
  return { contacts };
}

/** Keeps a contact that nobody has shown yet to work, and sends the code to one that is sent one. */
export async function setContact(
  means: WaysBackMeans,
  call: Call,
  { id, contact: wanted, delaySeconds = RECOVERY_DELAY_SECONDS }: Parameters<'contact.set'>,
): Promise<Result<'contact.set'>> {
  const { context } = means;
  if (wanted.kind === 'mail' && context.config.mail === null) throw contactMailOff();
  return inAccount(means, call, async (transaction, known) => {
    const before = known.find(({ row }) => equalBytes(row.id, id));
    if (before !== undefined) return shown(means, transaction, call, before, wanted);
    if (wanted.kind === 'mail' && isThere(known, mailbox(means, wanted.address))) return contactThere();
    if (known.length >= MAX_CONTACTS) throw tooManyContacts(MAX_CONTACTS);
    const contact = await newContact(means, transaction, call, wanted, delaySeconds);
    // Nobody is looked for by it before it is verified: whoever sets what is not his hides nobody's.
    const columns = { owner: call.account.xid, id, handle: null, version: 1 };
    const row = sealContact(context, columns, contact);
    await transaction.contacts.insert(row);
    await sendCode(means, transaction, call, { row, contact });
    // One that has nothing to show comes without being verified.
    if (contact.waited !== null) await tellContacts(means, transaction, call.account.xid, 'contact-coming');
    await note(means, transaction, call, 'contact.set', row.id, `Set a contact: ${KIND_WORDS[wanted.kind]}`);
    return answerOf(means, call, { row, contact });
  });
}

const KIND_WORDS = {
  totp: 'an authenticator app',
  xid: 'another identity',
  mail: 'an address for e-mail',
  operator: 'the operator in person',
} as const;

async function newContact(
  means: WaysBackMeans,
  transaction: Transaction,
  { by }: Call,
  wanted: WantedContact,
  delaySeconds: number,
): Promise<Contact> {
  const { context } = means;
  const isOperator = wanted.kind === 'operator';
  return {
    kind: wanted.kind,
    name: await nameOf(means, transaction, wanted),
    secret: wanted.kind === 'totp' ? context.random(TOTP_SECRET_BYTES) : null,
    delaySeconds,
    setAt: context.clock(),
    setBy: by.id,
    // Who somebody is he finds out when somebody stands before him.
    verifiedAt: isOperator ? context.clock() : null,
    lastStep: null,
    waited: isOperator ? delayOf(means, by) : null,
    leavesBy: null,
  };
}

async function nameOf(
  { context }: WaysBackMeans,
  transaction: Transaction,
  wanted: WantedContact,
): Promise<string> {
  if (wanted.kind === 'mail') return wanted.address.toLowerCase();
  if (wanted.kind !== 'totp') return '';
  for (;;) {
    const name = drawTotpName(context.random);
    const taken = await transaction.contacts.withHandle(handleOf(context.handleKey, 'totp', name), 1);
    if (taken.length === 0) return name;
  }
}

function nameHandle(
  { context }: WaysBackMeans,
  { kind, name }: Pick<Contact, 'kind' | 'name'>,
): Uint8Array | null {
  return kind === 'mail' || kind === 'totp' ? handleOf(context.handleKey, kind, name) : null;
}

function mailbox({ context }: WaysBackMeans, address: string): Uint8Array {
  return handleOf(context.handleKey, 'mail', address.toLowerCase());
}

/** One mailbox, or one person, is one contact, however often it is named: two contacts overrule a device. */
function isThere(known: readonly StoredContact[], handle: Uint8Array | null): boolean {
  return known.some(
    ({ row, contact }) =>
      contact.verifiedAt !== null && row.handle !== null && handle !== null && equalBytes(row.handle, handle),
  );
}

/** What the words say counts at once, what a device says only after a while. */
function delayOf({ counting }: WaysBackMeans, { may }: Call['by']): WaitingTime | null {
  return may === null ? null : waitFrom(counting(), CONTACT_DELAY_SECONDS);
}

/** The same again, for whoever did not hear the answer. */
async function shown(
  means: WaysBackMeans,
  transaction: Transaction,
  call: Call,
  before: StoredContact,
  wanted: WantedContact,
): Promise<Result<'contact.set'>> {
  if (before.contact.kind !== wanted.kind) throw contactUnknown();
  await sendCode(means, transaction, call, before);
  return answerOf(means, call, before);
}

function answerOf({ counting }: WaysBackMeans, { by }: Call, stored: StoredContact): Result<'contact.set'> {
  const contact = viewOf(counting(), stored, by)!;
  const { secret } = stored.contact;
  return { contact, ...(secret === null || !setsUp(stored, by) ? {} : { secret }) };
}

async function sendCode(
  means: WaysBackMeans,
  transaction: Transaction,
  { account }: Call,
  { row, contact }: StoredContact,
): Promise<void> {
  if (contact.kind !== 'mail' || contact.verifiedAt !== null) return;
  const { context } = means;
  const { handleKey } = context;
  const names = [
    [handleOf(handleKey, 'account', account.xid), MOST_SENDINGS],
    [handleOf(handleKey, 'sending', contact.name), undefined],
  ] as const;
  for (const [handle, most] of names) {
    if (!(await takeTry(context, transaction, handle, most))) return;
  }
  const at = context.clock();
  const code = codeFor(handleKey, { handle: mailbox(means, contact.name), about: row.id }, codeStep(at));
  const content: PeopleMail = { to: contact.name, what: 'code', code, isFirst: true, at };
  await context.outbox.put(transaction, {
    owner: account.xid,
    way: PEOPLE_MAIL,
    content,
  });
}

/** Takes what shows that a contact works: from then on it counts, or waits. */
export async function verifyContact(
  means: WaysBackMeans,
  call: Call,
  { id, proof }: Parameters<'contact.verify'>,
): Promise<Result<'contact.verify'>> {
  const { context } = means;
  const read = readProof(proof);
  return inAccount(means, call, async (transaction, known) => {
    const stored = known.find(({ row }) => equalBytes(row.id, id));
    if (stored === undefined) throw contactUnknown();
    if (stored.contact.verifiedAt !== null) return { contact: viewOf(means.counting(), stored, call.by)! };
    const isAllowed = await takeTry(context, transaction, handleOf(context.handleKey, 'account', id));
    const about = stored.contact.kind === 'xid' ? call.account.xid : id;
    const judged = judgeProof(context, stored, read, { vouched: 'contact', about });
    if (!isAllowed || judged === null) return contactCodeWrong();
    const handle = judged.handle ?? nameHandle(means, stored.contact);
    if (isThere(known, handle)) return contactThere();
    const contact: Contact = {
      ...stored.contact,
      name: judged.name ?? stored.contact.name,
      lastStep: judged.step,
      verifiedAt: context.clock(),
      waited: delayOf(means, call.by),
    };
    await changeContact(context, transaction, stored, contact, handle);
    if (contact.waited !== null) await tellContacts(means, transaction, call.account.xid, 'contact-coming');
    await note(means, transaction, call, 'contact.verify', id, 'Take a contact that was shown to work');
    return { contact: viewOf(means.counting(), { row: stored.row, contact }, call.by)! };
  });
}

/** Has a contact leave, at once for the words, after a while for a device; or has one that leaves stay. */
export async function removeContact(
  means: WaysBackMeans,
  call: Call,
  { id, keeps }: Parameters<'contact.remove'>,
): Promise<Result<'contact.remove'>> {
  const { context } = means;
  return inAccount(means, call, async (transaction, known) => {
    const stored = known.find(({ row }) => equalBytes(row.id, id));
    if (stored === undefined) throw contactUnknown();
    const counter = means.counting();
    const state = stateOf(counter, stored.contact);
    if (keeps === true) return keepContact(means, transaction, call, stored);
    const waited = delayOf(means, call.by);
    // What nobody is brought back by takes nothing from anybody.
    if (waited === null || state === 'unverified' || state === 'coming' || state === null) {
      await transaction.contacts.remove(call.account.xid, id);
      await note(means, transaction, call, 'contact.remove', id, 'Remove a contact');
      return { contact: null };
    }
    if (state === 'leaving') return { contact: viewOf(counter, stored, call.by) };
    const contact: Contact = { ...stored.contact, waited, leavesBy: call.by.id };
    await changeContact(context, transaction, stored, contact);
    await tellContacts(means, transaction, call.account.xid, 'contact-leaving');
    await note(means, transaction, call, 'contact.remove', id, 'Remove a contact in three days');
    return { contact: viewOf(counter, { row: stored.row, contact }, call.by) };
  });
}

async function keepContact(
  means: WaysBackMeans,
  transaction: Transaction,
  call: Call,
  stored: StoredContact,
): Promise<Result<'contact.remove'>> {
  const isLeaving = stored.contact.leavesBy !== null;
  const contact: Contact = isLeaving ? { ...stored.contact, waited: null, leavesBy: null } : stored.contact;
  if (isLeaving) {
    await changeContact(means.context, transaction, stored, contact);
    await note(means, transaction, call, 'contact.remove', stored.row.id, 'Keep a contact that was leaving');
  }
  return { contact: viewOf(means.counting(), { row: stored.row, contact }, call.by) };
}

/** Ends what devices have begun about contacts, in the transaction that takes them out. */
export async function endContactsOf(
  means: Pick<WaysBackMeans, 'context' | 'counting'>,
  transaction: Transaction,
  owner: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<void> {
  await endBegun(means, transaction, owner, (by) => devices.some((id) => equalBytes(id, by)));
}

/**
 * Works on the contacts of an account that nobody else changes meanwhile. What `work` returns as an error is thrown once it has committed: what was
 * tried is counted then.
 */
async function inAccount<T extends object>(
  means: WaysBackMeans,
  call: Call,
  work: (transaction: Transaction, known: readonly StoredContact[]) => Promise<T | CkmError>,
): Promise<T> {
  const { context, isYoung, counting } = means;
  const done = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const account = await context.accounts.hold(transaction, call.account.xid);
      if (account === null) {
        throw accessError('ACCOUNT_UNKNOWN', 'there is no such account', 'open one');
      }
      if (await isYoung(transaction, call)) throw deviceTooYoung();
      if (call.by.may !== null) await assertContactsMove(means, transaction, account.xid);
      const known = await contactsOf(context, transaction, account.xid);
      const counter = counting();
      const isGone = ({ contact }: StoredContact) => stateOf(counter, contact) === null;
      // At once: until the sweep it would take the place of another one.
      for (const { row } of known.filter(isGone)) await transaction.contacts.remove(row.owner, row.id);
      return work(
        transaction,
        known.filter((one) => !isGone(one)),
      );
    }),
  );
  if (done instanceof Error) throw done;
  return done;
}

/**
 * While two contacts, or the operator in person, bring the owner back, no device has a contact come or leave: its days are fewer
 * than those of a recovery, and whoever stole one took every way back away in them.
 * @throws StateError `CONTACTS_REST`
 */
async function assertContactsMove(
  { context, counting }: WaysBackMeans,
  transaction: Transaction,
  owner: Uint8Array,
): Promise<void> {
  const counter = counting();
  const all = await casesOf(context, transaction, owner);
  const isHeld = (one: StoredCase) => one.row.state === 'waiting' && !isOutOfTime(one, counter);
  if (all.some((one) => isHeld(one) && isOverruling(one.one))) throw contactsRest();
}

async function note(
  { context }: WaysBackMeans,
  transaction: Transaction,
  { account, by }: Call,
  deed: 'contact.set' | 'contact.verify' | 'contact.remove',
  subject: Uint8Array,
  sentence: string,
): Promise<void> {
  await context.audit.append(transaction, {
    deed,
    who: account.xid,
    keyId: null,
    subject,
    sentence,
    verdict: 'done',
    policy: '',
    detail: by.may === null ? 'by the words' : `by device ${encodeHex(by.id).slice(0, 8)}`,
  });
}
