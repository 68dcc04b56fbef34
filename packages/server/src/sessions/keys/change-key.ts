import { parseChangeCertificate } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { rowChanged } from '../../storage/codes.js';
import type { KeyRow, SessionRow, Transaction } from '../../storage/storage.js';
import { refusal } from '../../refusals.js';
import type { EpochRecord } from './epoch-record.js';
import { epochsOfChain, storePublicEpoch } from './past-epochs.js';
import { helpedSlots, marksOf, noteHelped, noteMarks, openHead, writeKey } from './stored-key.js';

/** The version of a key that was just created. */
export const CREATED = 1;

/**
 * What a step of a ceremony does to the key it is about. Whoever changes a key says which version of it was expected:
 * whatever became of it meanwhile is never written over.
 */
export type KeyChange =
  /** A key that did not exist; it waits for its certificate, and answers nothing. */
  | { readonly kind: 'create'; readonly record: EpochRecord }
  /** It has its certificate, and is used from now on. */
  | { readonly kind: 'promote'; readonly expected: number; readonly record: EpochRecord }
  /** It never came about, and nobody can hold a certificate of it. */
  | { readonly kind: 'void'; readonly expected: number }
  /** A share that was lost came back, in its epoch. */
  | Regain
  /** This server has helped to give a slot its share back. */
  | Help;

export interface Regain {
  readonly kind: 'regain';
  readonly record: EpochRecord;
  /** Certificates of all epochs up to its own, the first one first. */
  readonly chain: readonly Uint8Array[];
}

export interface Help {
  readonly kind: 'help';
  readonly epoch: number;
  readonly slot: number;
  /** Whether its operator agreed to it, also where it is not the first time. */
  readonly isAgreed: boolean;
}

/**
 * Changes a key in the transaction of the step that asks for it.
 * @throws StateError `KEY_ID_TAKEN` when another session has made a key with this id; `ROW_CHANGED`
 */
export async function changeKey(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
  change: KeyChange,
): Promise<void> {
  const existing = await transaction.keys.hold(owner, keyId);
  if (change.kind === 'regain') return regain(context, transaction, existing, { owner, keyId }, change);
  if (change.kind === 'help') return help(context, transaction, existing, change);
  if (change.kind === 'create') {
    if (existing !== null) throw refusal('KEY_ID_TAKEN', 'another session made a key with this id');
    await writeKey(context, transaction, null, { owner, keyId, state: 'pending' }, change.record);
    return;
  }
  // Its certificate came by itself before the session had it: that is where the session was going.
  if (change.kind === 'promote' && existing?.state === 'active') return;
  if (existing?.version !== change.expected) throw rowChanged('keys');
  if (change.kind === 'void') {
    transaction.whenCommitted(() => context.epochKeys.destroy(existing));
    return transaction.keys.remove(owner, keyId);
  }
  await writeKey(context, transaction, existing, { owner, keyId, state: 'active' }, change.record);
}

/** Bytes of a key besides its certificates, and its parameters, which are in those too. */
const MOST_BESIDES = 2_048;

/**
 * Stores a share that came back, as `key.restore` does. What this server holds of that key is never written over: a share that
 * is there again by itself stays, and of another epoch nothing comes back. Whoever has lost the rows too has forgotten what it
 * may have decided (`writeKey`), and is told all epochs by their certificates.
 */
async function regain(
  context: ServerContext,
  transaction: Transaction,
  existing: KeyRow | null,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
  { record, chain }: Regain,
): Promise<void> {
  const { quota } = context.accounts;
  const account = { xid: owner, quota: context.config.quota };
  if (existing !== null) {
    assertSameEpoch(existing, record.epoch);
    if (existing.state === 'active' && context.epochKeys.exists(existing)) return;
  } else {
    await quota.key(transaction, account);
    const length = chain.reduce((sum, one) => sum + one.length, 0);
    await quota.bytes(transaction, account, 2 * length + MOST_BESIDES);
  }
  const row = await writeKey(context, transaction, existing, { owner, keyId, state: 'active' }, record);
  if (existing === null && chain.length > 1) await storePast(context, transaction, row, chain);
  if (existing?.state === 'pending') await quota.keyComesIntoUse(transaction, account);
}

/** What its head says of a key that changes have led to its epoch, and the certificates of those before. */
async function storePast(
  context: ServerContext,
  transaction: Transaction,
  row: KeyRow,
  chain: readonly Uint8Array[],
): Promise<void> {
  const first = parseChangeCertificate(chain[1]!).change.next.previous;
  const marks = { ...marksOf(openHead(context, row)), first, since: context.clock() };
  await noteMarks(context, transaction, row, marks);
  for (const [epoch, past] of epochsOfChain(chain).slice(0, -1).entries())
    await storePublicEpoch(context, transaction, row, epoch, past);
}

/** A slot is helped once in an epoch; once more only where the operator of this server has agreed (L6). */
async function help(
  context: ServerContext,
  transaction: Transaction,
  existing: KeyRow | null,
  { epoch, slot, isAgreed }: Help,
): Promise<void> {
  if (existing === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  assertSameEpoch(existing, epoch);
  const isFirst = !helpedSlots(openHead(context, existing), epoch).includes(slot);
  if (!isFirst && !isAgreed) throw repairServed(slot);
  if (isFirst) await noteHelped(context, transaction, existing, slot);
}

function assertSameEpoch(existing: KeyRow, epoch: number): void {
  if (existing.epoch === epoch) return;
  const { epoch: held } = existing;
  throw refusal('KEY_EPOCH_DIFFERS', `this server holds epoch ${held} of the key, not ${epoch}`, {
    epoch: held,
  });
}

function repairServed(slot: number) {
  return refusal('REPAIR_SERVED', `this server has helped slot ${slot} in this epoch of the key before`);
}
