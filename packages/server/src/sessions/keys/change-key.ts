import type { ExportProof } from '@ckm/api';
import type { ServerContext } from '../../context.js';
import { rowChanged } from '../../storage/codes.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import { refusal } from '../../refusals.js';
import type { EpochRecord } from './stored/epoch-record.js';
import { writeKey } from './stored/write-key.js';

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
  | RoomChange;

/** What one kind of ceremony alone does to a key: its room stores it. */
export type RoomChange = RepairChange | GiveOut;

/** This server's share leaves it, sealed to the owner of the key (`export/store-export.ts`). */
export interface GiveOut {
  readonly kind: 'give-out';
  readonly epoch: number;
  /** 32 bytes: of that epoch. */
  readonly transcriptHash: Uint8Array;
  /** What shows others that it was agreed to. */
  readonly proof: ExportProof;
  /** Who took it in the place of the owner, by the name in the terms; absent: the owner did. */
  readonly heir?: string;
}

/** What a repair does to a key (`repair/store-repair.ts`). */
export type RepairChange =
  /** A share that was lost came back, in its epoch. */
  | Regain
  /** This server has helped to give a slot its share back. */
  | Help
  /** Somebody said no to that: in this epoch silence is no yes any more. */
  | Decline;

export function isOfRoom(change: KeyChange): change is RoomChange {
  return isOfRepair(change) || change.kind === 'give-out';
}

export function isOfRepair(change: KeyChange): change is RepairChange {
  return change.kind === 'regain' || change.kind === 'help' || change.kind === 'decline';
}

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

export interface Decline {
  readonly kind: 'decline';
  readonly epoch: number;
  readonly slot: number;
}

/**
 * Changes a key in the transaction of the step that asks for it.
 * @throws StateError `KEY_ID_TAKEN` when another session has made a key with this id; `ROW_CHANGED`
 */
export async function changeKey(
  context: ServerContext,
  transaction: Transaction,
  { owner, keyId }: Pick<SessionRow, 'owner' | 'keyId'>,
  change: Exclude<KeyChange, RoomChange>,
): Promise<void> {
  const existing = await transaction.keys.hold(owner, keyId);
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
