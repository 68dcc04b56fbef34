import type { Approver } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { asXid, encodeData, type Xid } from '@ckm/gordian';
import { corrupt, readRecord, type RecordReader } from '../store/record-reader.js';
import { listRecords, type RecordStore } from '../store/record-store.js';

/** Whom the owner has asked to be approvers of one key, which may be yet to be made. */
export interface InvitedTo {
  readonly keyName: string;
  /** 32 bytes: of the key; drawn with the first invitation where there is no key of that name. */
  readonly keyId: Uint8Array;
  /** XIDs of its servers, in order of slots. */
  readonly servers: readonly Xid[];
  readonly people: readonly InvitedPerson[];
}

export interface InvitedPerson {
  /** In the terms. */
  readonly name: string;
  /** 32 bytes: of the invitation that was written last. */
  readonly invitation: Uint8Array;
  /** Null: nothing was answered, or it was not taken in. */
  readonly answer: AnsweredWith | null;
}

export interface AnsweredWith {
  readonly xid: Xid;
  /** 32 bytes, Ed25519, of this key alone. */
  readonly key: Uint8Array;
}

export const INVITED_FOLDER = 'invited';

function invitedPath(keyName: string): string {
  return `${INVITED_FOLDER}/${keyName}`;
}

export async function saveInvited(store: RecordStore, invited: InvitedTo): Promise<void> {
  const { people, servers, ...facts } = invited;
  await store.put(
    invitedPath(invited.keyName),
    encodeData({
      version: 1,
      ...facts,
      servers: [...servers],
      people: people.map(({ answer, ...one }) => ({
        ...one,
        answer: answer === null ? null : { ...answer },
      })),
    }),
  );
}

/** Null: nobody was invited to a key of that name. @throws StorageError `STORE_CORRUPT` */
export async function readInvited(store: RecordStore, keyName: string): Promise<InvitedTo | null> {
  const path = invitedPath(keyName);
  const bytes = await store.get(path);
  return bytes === null ? null : parseInvited(path, bytes);
}

/** Whom was invited to that key, whatever it is called by now. @throws StorageError */
export async function invitedToKey(store: RecordStore, keyId: Uint8Array): Promise<InvitedTo | null> {
  const all = await listRecords(store, INVITED_FOLDER, parseInvited);
  return all.find((one) => equalBytes(one.keyId, keyId)) ?? null;
}

/** Those who have answered, as the terms of the key name them. */
export function answeredApprovers({ people }: InvitedTo): readonly Approver[] {
  return people.flatMap(({ name, answer }) =>
    answer === null ? [] : [{ name, xid: answer.xid, keys: [{ kind: 'ed25519' as const, key: answer.key }] }],
  );
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseInvited(path: string, bytes: Uint8Array): InvitedTo {
  const record = readRecord(path, bytes);
  if (invitedPath(record.text('keyName')) !== path) throw corrupt(path);
  return {
    keyName: record.text('keyName'),
    keyId: record.bytes('keyId', 32),
    servers: record.list('servers').map((one) => {
      if (one instanceof Uint8Array && one.length === 32) return asXid(one);
      throw corrupt(path);
    }),
    people: record.records('people').map(personFrom),
  };
}

function personFrom(one: RecordReader): InvitedPerson {
  const answer = one.has('answer') ? one.record('answer') : null;
  return {
    name: one.text('name'),
    invitation: one.bytes('invitation', 32),
    answer: answer === null ? null : { xid: asXid(answer.bytes('xid', 32)), key: answer.bytes('key', 32) },
  };
}
