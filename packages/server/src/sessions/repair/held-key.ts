import { secret, type Secret } from '@ckm/foundation';
import type { CertifiedEpoch, PartyIndex } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import type { KeyRow, Reader } from '../../storage/storage.js';
import { assertHeadKnown } from '../keys/head-memory.js';
import { keyForked } from '../keys/over.js';
import { helpedSlots, type KeyHead, openHead } from '../keys/stored/key-head.js';
import { certifiedBy } from '../keys/stored/proved-epoch.js';
import { readEpoch, readSecrets } from '../keys/stored/read-key.js';

/** Which epoch of whose key. */
export interface HeldScope {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
}

/** A key that this server can help with, as its own certificate proves it. */
export interface HeldKey {
  readonly row: KeyRow;
  readonly head: KeyHead;
  readonly key: CertifiedEpoch;
  readonly slot: PartyIndex;
  /** Slots that were helped in this epoch before. */
  readonly helped: readonly number[];
}

/**
 * The public half of a key that this server holds. Opens no secret.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_EPOCH_DIFFERS`, `KEY_HEAD_UNKNOWN`; as {@link assertHelps}
 */
export async function readHeldKey(
  context: ServerContext,
  reader: Reader,
  { owner, keyId, epoch }: HeldScope,
): Promise<HeldKey> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
  demand(row.state === 'active', 'KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  if (row.epoch !== epoch) throw otherEpoch(row.epoch, epoch);
  const head = openHead(context, row);
  assertHelps(context, head, keyId);
  const { slot, certified, left } = head;
  if (left !== undefined) throw otherEpoch(left.epoch, epoch);
  assertHeadKnown(context, row, head);
  const { parameters } = await readEpoch(context, reader, row, head);
  const key = certifiedBy(parameters, certified!);
  return { row, head, key, slot: slot as PartyIndex, helped: helpedSlots(head, epoch) };
}

/**
 * A key that this server does nothing with is not helped with either: what it would split is as good as a signature.
 * @throws StateError `KEY_FORKED`; PolicyError `POLICY_KEY_STOPPED`, `POLICY_KEY_FROZEN`
 */
export function assertHelps(
  { policy, clock }: Pick<ServerContext, 'policy' | 'clock'>,
  { stoppedAt, frozen, forked }: KeyHead,
  keyId: Uint8Array,
): void {
  if (forked !== undefined) throw keyForked(forked);
  const standing = {
    keyId,
    stoppedAt: stoppedAt ?? null,
    frozenUntil: frozen?.until ?? null,
    frozenBy: frozen?.by,
  };
  const error = policy.standing(standing, clock());
  if (error !== null) throw error;
}

/** Its share; the caller wipes it. @throws StorageError `EPOCH_KEY_MISSING`, `ROW_TAMPERED` */
export async function readHeldShare(
  context: ServerContext,
  reader: Reader,
  { row, head }: Pick<HeldKey, 'row' | 'head'>,
): Promise<Secret<Uint8Array>> {
  const { share, pending, staticSeed } = await readSecrets(context, reader, row, head);
  pending?.fill(0);
  staticSeed?.fill(0);
  if (share === null) throw refusal('KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  return secret(share);
}

/** @param held the epoch that this server has */
export function otherEpoch(held: number, asked: number) {
  return refusal('KEY_EPOCH_DIFFERS', `this server holds epoch ${held} of the key, not ${asked}`, {
    epoch: held,
  });
}
