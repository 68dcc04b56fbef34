import { approverName, type ApproverAnswer, assertAnswers, parseAnswer, writeInvitation } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { assertNameFree } from '../keys/free-name.js';
import { keyPath } from '../keys/key-record.js';
import { newestParams } from '../keys/chain/key-chain.js';
import { loadKeyRecord } from '../keys/keys.js';
import type { ServerRecord } from '../servers/server-record.js';
import { serverWithXid, showServerRecord } from '../servers/servers.js';
import { parseName } from '../store/names.js';
import {
  answeredTwice,
  approverNameInvalid,
  nobodyInvited,
  serversGiven,
  serversNeeded,
} from './invitation-errors.js';
import { type InvitedPerson, type InvitedTo, invitedToKey, readInvited, saveInvited } from './invited.js';

export interface InviteArgs {
  /** Of a key that is there, or that is to be made. */
  readonly key: string;
  /** What the approver is to be called in its terms. */
  readonly name: string;
  /** The owner's names of the servers of a key that is to be made, in order of slots; once is enough. */
  readonly servers?: readonly string[];
}

/** An invitation, before and after it is on record. */
export interface Invitation {
  readonly keyName: string;
  readonly name: string;
  /** Whether the key is there. */
  readonly isMade: boolean;
  readonly servers: readonly ServerRecord[];
  /** `ur:envelope/…` */
  readonly text: string;
  /** Names of those who have to be invited anew, because the servers are others than they were told. */
  readonly outdated: readonly string[];
}

interface Ready {
  readonly invitation: Invitation;
  readonly record: InvitedTo;
}

/**
 * What {@link inviteApprover} would write: nothing is.
 * @throws UsageError `APPROVER_NAME_INVALID`, `APPROVER_SERVERS_MISSING`, `APPROVER_SERVERS_FIXED`, `NAME_INVALID`, `SERVER_UNKNOWN`
 */
export async function planInvitation(context: ClientContext, args: InviteArgs): Promise<Invitation> {
  return (await prepare(context, args)).invitation;
}

/** Writes an invitation, and keeps whom it was for. Nobody is told. @throws as {@link planInvitation} */
export async function inviteApprover(context: ClientContext, args: InviteArgs): Promise<Invitation> {
  return context.store.exclusive('invited', async () => {
    const { invitation, record } = await prepare(context, args);
    await saveInvited(context.store, record);
    return invitation;
  });
}

async function prepare(context: ClientContext, { key, name, servers: wanted }: InviteArgs): Promise<Ready> {
  if (!approverName.safeParse(name).success) throw approverNameInvalid(name);
  const keyName = parseName('key', key);
  const before = await readInvited(context.store, keyName);
  const { keyId, servers, certificate } = await keyOrPlan(context, keyName, wanted, before);
  const xids = servers.map(({ xid }) => xid);
  const isSame = before !== null && equalBytes(before.keyId, keyId) && isSameList(before.servers, xids);
  const { text, digest } = writeInvitation({
    name,
    keyName,
    keyId,
    servers: servers.map(({ name: called, url, xid, publicKeys, authority }) => ({
      name: called,
      url,
      xid,
      publicKeys,
      authority,
    })),
    certificate,
  });
  const others = (isSame ? before.people : []).filter((one) => one.name !== name);
  const own = isSame ? before.people.find((one) => one.name === name) : undefined;
  // The same key of his answers every invitation to this key.
  const person: InvitedPerson = { name, invitation: digest, answer: own?.answer ?? null };
  return {
    record: { keyName, keyId, servers: xids, people: [...others, person] },
    invitation: {
      keyName,
      name,
      isMade: certificate !== null,
      servers,
      text,
      outdated: isSame ? [] : (before?.people ?? []).map((one) => one.name).filter((one) => one !== name),
    },
  };
}

interface KeyOrPlan extends Pick<InvitedTo, 'keyId'> {
  readonly servers: readonly ServerRecord[];
  /** Null: the key is yet to be made. */
  readonly certificate: Uint8Array | null;
}

async function keyOrPlan(
  context: ClientContext,
  keyName: string,
  wanted: readonly string[] | undefined,
  before: InvitedTo | null,
): Promise<KeyOrPlan> {
  const { store } = context;
  if ((await store.get(keyPath(keyName))) !== null) {
    if (wanted !== undefined) throw serversGiven(keyName);
    const record = await loadKeyRecord(store, keyName);
    const { keyId, roster } = newestParams(record);
    const servers = await Promise.all(
      roster.map(({ serverId, slot }) => serverWithXid(store, serverId, `in slot ${slot}`)),
    );
    return { keyId, servers, certificate: record.certificate };
  }
  await assertNameFree(context, keyName);
  if (wanted === undefined && before === null) throw serversNeeded(keyName);
  const servers =
    wanted === undefined
      ? await Promise.all(before!.servers.map((xid) => serverWithXid(store, xid, 'of the key to be')))
      : await Promise.all(wanted.map((one) => showServerRecord(store, one)));
  return { keyId: before?.keyId ?? context.random(32), servers, certificate: null };
}

function isSameList(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((one, at) => equalBytes(one, b[at]!));
}

/** An answer that belongs to an invitation of this owner. */
export interface AnsweredInvitation {
  readonly keyName: string;
  readonly answer: ApproverAnswer;
  /** Names of those who were invited to the same key and have not answered. */
  readonly waiting: readonly string[];
}

/**
 * What {@link takeAnswer} would take in: nothing is written.
 * @param heard the six words as the approver reads them aloud; undefined: people compare
 * @throws EncodingError `APPROVER_ANSWER_INVALID`; AccessError `APPROVER_ANSWER_OTHER`, `APPROVER_LIKENESS_MISMATCH`; StateError `APPROVER_NOT_INVITED`, `APPROVER_TWICE`
 */
export async function planAnswer(
  context: ClientContext,
  text: string,
  heard?: string,
): Promise<AnsweredInvitation> {
  const { answer, invited } = await answered(context, text, heard);
  return viewOf(invited, answer);
}

/** Takes in an answer whose words were compared: from then on the terms of the key may name who gave it. @throws as {@link planAnswer} */
export async function takeAnswer(
  context: ClientContext,
  text: string,
  heard?: string,
): Promise<AnsweredInvitation> {
  return context.store.exclusive('invited', async () => {
    const { answer, invited } = await answered(context, text, heard);
    const given = { xid: answer.xid, key: answer.publicKeys.signing.bytes };
    const people = invited.people.map((one) => (one.name === answer.name ? { ...one, answer: given } : one));
    await saveInvited(context.store, { ...invited, people });
    return viewOf({ ...invited, people }, answer);
  });
}

function viewOf({ keyName, people }: InvitedTo, answer: ApproverAnswer): AnsweredInvitation {
  const waiting = people.filter((one) => one.answer === null && one.name !== answer.name);
  return { keyName, answer, waiting: waiting.map(({ name }) => name) };
}

async function answered(
  { store }: ClientContext,
  text: string,
  heard: string | undefined,
): Promise<{ readonly answer: ApproverAnswer; readonly invited: InvitedTo }> {
  const answer = parseAnswer(text);
  const invited = await invitedToKey(store, answer.keyId);
  const person = invited?.people.find((one) => one.name === answer.name);
  if (invited === null || person === undefined) throw nobodyInvited();
  const { keyName, keyId } = invited;
  assertAnswers(answer, { name: person.name, keyId, keyName, digest: person.invitation }, heard);
  const twin = invited.people.find(
    (one) => one.name !== answer.name && one.answer !== null && equalBytes(one.answer.xid, answer.xid),
  );
  if (twin !== undefined) throw answeredTwice(twin.name);
  return { answer, invited };
}
