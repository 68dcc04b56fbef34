import { type HeirMay, type KeyTerms, type SilenceRule } from '@ckm/api';
import { AccessError, equalBytes } from '@ckm/foundation';
import type { ServerContext } from '../context.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import type { KeyRow, Reader, Transaction } from '../storage/storage.js';

/** A key whose terms name somebody, and what they say of him. */
export interface HeirKey {
  readonly key: KeyRow;
  readonly head: KeyHead;
  /** Transcript hash of its first epoch. */
  readonly first: Uint8Array;
  readonly rule: SilenceRule;
  /** What whoever asks is called in the terms. */
  readonly name: string;
  /** What they let him do when the owner is silent; empty: nothing. */
  readonly may: readonly HeirMay[];
}

/** Which key is meant. `first`: transcript hash of its first epoch; null: whoever asks does not know it. */
interface MeantKey {
  readonly keyId: Uint8Array;
  readonly first: Uint8Array | null;
}

/**
 * The account whose key is meant, of several that may have one of that id: anybody may make one and name whom he likes. The one that has the certificate which
 * whoever asks knows; where he knows none, the one that was made first.
 * @throws AccessError `HEIR_UNKNOWN`
 */
export async function findHeirKey(
  context: ServerContext,
  reader: Reader,
  sender: Uint8Array,
  { keyId, first }: MeantKey,
): Promise<Pick<KeyRow, 'owner' | 'keyId'>> {
  const rows = await reader.keys.withId(keyId);
  const his = rows.filter((row) => isMeant(context, row, sender, first));
  const [oldest] = his.toSorted((a, b) => a.createdAt - b.createdAt);
  if (oldest === undefined) throw heirUnknown();
  return { owner: oldest.owner, keyId };
}

function isMeant(context: ServerContext, row: KeyRow, sender: Uint8Array, first: Uint8Array | null): boolean {
  const head = openHead(context, row);
  if (head.certified === null || namedIn(head.policy, sender) === null) return false;
  return first === null || equalBytes(first, firstOf(head, head.certified));
}

/** Transcript hash of the first epoch of a key: by it a key is told from another one of the same id. */
export function firstOf({ first }: KeyHead, certified: NonNullable<KeyHead['certified']>): Uint8Array {
  return first ?? certified.transcriptHash;
}

/** That key, held until the transaction ends. @throws AccessError `HEIR_UNKNOWN` */
export async function holdHeirKey(
  context: ServerContext,
  transaction: Transaction,
  sender: Uint8Array,
  name: Pick<KeyRow, 'owner' | 'keyId'>,
): Promise<HeirKey> {
  const key = await holdRecalled(context, transaction, name);
  if (key === null) throw heirUnknown();
  return heirKey(context, key, sender);
}

/** @throws AccessError `HEIR_UNKNOWN` */
export function heirKey(context: Pick<ServerContext, 'vault'>, key: KeyRow, sender: Uint8Array): HeirKey {
  const head = openHead(context, key);
  const named = namedIn(head.policy, sender);
  // What it has no part in any more, and what two certificates speak of, it says nothing about.
  if (named === null || head.left !== undefined || head.forked !== undefined) throw heirUnknown();
  if (head.certified === null) throw heirUnknown();
  return { key, head, first: firstOf(head, head.certified), ...named };
}

function namedIn(
  { silence: rule, approvers = [] }: KeyTerms,
  sender: Uint8Array,
): Pick<HeirKey, 'rule' | 'name' | 'may'> | null {
  const name = approvers.find(({ xid }) => equalBytes(xid, sender))?.name;
  if (rule === undefined || name === undefined) return null;
  const may = rule.grants.filter(({ who }) => who === name).flatMap((grant) => grant.may);
  return { rule, name, may };
}

/** Said to whoever is named in no such terms, whether the key is there or not (P9). */
export function heirUnknown(): AccessError {
  return new AccessError('the terms of no such key here name you for when its owner is silent', {
    code: 'HEIR_UNKNOWN',
    hint: 'ask a server of the key that you were invited to; its terms may be others by now',
    httpStatus: 404,
  });
}
