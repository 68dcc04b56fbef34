import { equalBytes } from '@ckm/foundation';
import {
  endRelease,
  membersOf,
  newMember,
  restoredMember,
  type CertifiedEpoch,
  type KeyParams,
  type MemberState,
  type OldMembers,
  type PartyIndex,
  type RosterEntry,
} from '@ckm/threshold';
import type { PeopleSaid, ServerContext, WeightyRules } from '../../context.js';
import { refusal } from '../../refusals.js';
import type { ChangeRow, KeyRow, Reader } from '../../storage/storage.js';
import { keyForked, keyLeft } from '../keys/over.js';
import { certifiedBy } from '../keys/stored/proved-epoch.js';
import { type KeyHead, openHead } from '../keys/stored/key-head.js';
import { readEpoch } from '../keys/stored/read-key.js';
import { saidOfOrder } from './asked-people.js';
import { findOrder, openChange, readChange, type ChangeRecord } from './change-record.js';

/** An epoch of a key that is about to be followed by another, as this server knows it. */
export interface Deciding {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** Null: this server has no share of the deciding epoch. */
  readonly key: StoredHead | null;
  /** Of a key that this server had left, and joins again; null: it never had it, or has it. */
  readonly former: StoredHead | null;
  readonly changeRow: ChangeRow | null;
  readonly record: ChangeRecord;
  /** The epoch that decides, as its certificates prove it. */
  readonly before: CertifiedEpoch;
  /** What the operator here asks beyond what was certified with the key. */
  readonly stricter: WeightyRules;
  /** What people have said of the weighty order that waits here; null: the terms of the key ask nobody about it, or none waits. */
  readonly said: PeopleSaid | null;
  /** Of this server in that epoch; null: it joins. */
  readonly slot: PartyIndex | null;
}

type DecidingContext = Pick<ServerContext, 'vault' | 'policy' | 'people'>;

/** The head of a key with its row. */
export interface StoredHead {
  readonly row: KeyRow;
  readonly head: KeyHead;
}

/** Which epoch is meant. */
export interface DecidingScope {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
}

/**
 * What this server knows of a key and of the change that follows its epoch.
 * @throws AccessError `KEY_UNKNOWN` when it has neither the key nor an order to join it; StateError `KEY_EPOCH_DIFFERS`,
 * `KEY_NOT_CERTIFIED`, `KEY_LEFT`, `KEY_FORKED`; StorageError `ROW_TAMPERED`
 * @param goesOver whether it is read of a forked key too, once servers have settled on what this server goes over to (`head.counts`)
 */
export async function readDeciding(
  context: DecidingContext,
  reader: Reader,
  scope: DecidingScope,
  goesOver = false,
): Promise<Deciding> {
  const row = await reader.keys.find(scope.owner, scope.keyId);
  if (row === null) return readJoining(context, reader, scope, null);
  const head = openHead(context, row);
  if (head.forked !== undefined && !(goesOver && head.counts !== undefined)) throw keyForked(head.forked);
  const isBack = head.left !== undefined && scope.epoch >= head.left.epoch;
  return isBack
    ? readJoining(context, reader, scope, { row, head })
    : readOwn(context, reader, { row, head }, scope);
}

async function readOwn(
  context: DecidingContext,
  reader: Reader,
  { row, head }: StoredHead,
  { owner, keyId, epoch }: DecidingScope,
): Promise<Deciding> {
  if (head.certified === null) throw refusal('KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  if (head.left !== undefined) throw keyLeft(head.left.epoch);
  if (row.epoch !== epoch) throw epochDiffers(row.epoch, epoch);
  const { row: changeRow, record } = await readChange(context, reader, row, head);
  const { parameters } = await readEpoch(context, reader, row, head);
  const before = certifiedBy(parameters, head.certified);
  const slot = head.slot as PartyIndex;
  const key = { row, head };
  const stricter = context.policy.weighty(head);
  const said = await saidOfOrder(context, reader, key, record.order);
  return { owner, keyId, epoch, key, former: null, changeRow, record, before, stricter, said, slot };
}

async function readJoining(
  context: DecidingContext,
  reader: Reader,
  { owner, keyId, epoch }: DecidingScope,
  former: StoredHead | null,
): Promise<Deciding> {
  const changeRow = await reader.changes.find(owner, keyId, epoch);
  const record = changeRow === null ? null : openChange(context, changeRow);
  if (record === null || record.joining === null) {
    if (former !== null) throw keyLeft(former.head.left!.epoch);
    throw refusal('KEY_UNKNOWN', 'there is no such key');
  }
  const before = certifiedBy(record.joining.parameters, record.joining);
  const stricter = context.policy.weighty(former?.head ?? null);
  return {
    owner,
    keyId,
    epoch,
    key: null,
    former,
    changeRow,
    record,
    before,
    stricter,
    said: null,
    slot: null,
  };
}

/**
 * Who decides, and what is believed of what they say.
 * @param released hash of the order for which the words have released this server
 */
export function decidersOf({ before }: Pick<Deciding, 'before'>, released: Uint8Array | null): OldMembers {
  return membersOf(before.params, before.transcriptHash, released);
}

/**
 * What this server goes by in the deciding epoch: what it remembers of what it said, apart from the words where the order that released it has come to nothing.
 * @throws StateError as {@link memoryOf}
 */
export function memberOf(deciding: Deciding): MemberState {
  return asReleased(deciding, memoryOf(deciding));
}

/**
 * A member that the words have released for an order which is over, or has given its place to another one, or was given anew without them, is released no more, unless a
 * lock stands by the words.
 */
export function asReleased(deciding: Deciding, member: MemberState): MemberState {
  if (member.released === null) return member;
  const order = findOrder(deciding.record, member.released.orderHash);
  const stands = order?.byWords === true && order.over === null;
  return stands ? member : (endRelease(decidersOf(deciding, null), member) ?? member);
}

/**
 * What this server remembers of what it said in the deciding epoch.
 * @throws StateError `CHANGE_NOT_MEMBER` where it has no say
 */
export function memoryOf({ key, record, slot }: Deciding): MemberState {
  if (slot === null || key === null) throw notMember();
  if (record.settled !== null) throw settledOtherwise();
  const { forgot } = key.head;
  const state = record.member ?? newMember(slot);
  return forgot === undefined || isReminded(record, forgot) ? state : restoredMember(state, forgot);
}

/** Whether what is stored was said after the others had reminded this server. @param forgot what it drew when it forgot */
export function isReminded(
  { member, recalled }: Pick<ChangeRecord, 'member' | 'recalled'>,
  forgot: Uint8Array,
): boolean {
  return member !== null && recalled !== null && equalBytes(recalled, forgot);
}

/** Whether a roster names this server, by identity and likeness alike. */
export function isOfRoster(
  { identity }: Pick<ServerContext, 'identity'>,
  roster: readonly { readonly serverId: Uint8Array; readonly identityKey: Uint8Array }[],
): boolean {
  const { xid, publicKeys } = identity;
  return roster.some(
    ({ serverId, identityKey }) =>
      equalBytes(serverId, xid) && equalBytes(identityKey, publicKeys.signing.bytes),
  );
}

/** This server's entry in a roster; null: it has none. */
export function ownEntry(
  { identity }: Pick<ServerContext, 'identity'>,
  { roster }: Pick<KeyParams, 'roster'>,
): RosterEntry | null {
  const { xid, publicKeys } = identity;
  const own = roster.find(({ serverId }) => equalBytes(serverId, xid));
  return own !== undefined && equalBytes(own.identityKey, publicKeys.signing.bytes) ? own : null;
}

/** Nothing but what was settled follows an epoch any more. */
export function settledOtherwise() {
  return refusal('CHANGE_SETTLED', 'the servers have settled on another certificate of that epoch');
}

export function notMember() {
  return refusal(
    'CHANGE_NOT_MEMBER',
    'this server has no share of that epoch, and no say in what follows it',
  );
}

/** One that is decided is followed by nothing else. @throws StateError `KEY_EPOCH_DIFFERS` with the epoch that is certified */
export function assertUndecided({ record, epoch }: Pick<Deciding, 'record' | 'epoch'>): void {
  if (record.decided !== null) throw epochDiffers(epoch + 1, epoch);
}

export function epochDiffers(epoch: number, asked: number) {
  return refusal('KEY_EPOCH_DIFFERS', `this server holds epoch ${epoch} of the key, not ${asked}`, { epoch });
}
