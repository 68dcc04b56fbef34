import { ballotOfOrder, encodeOrder, type OrderAsked, policyHash } from '@ckm/api';
import type { MatterOfPeople, PeopleSaid, ServerContext } from '../../context.js';
import type { KeyRow, Reader, Transaction } from '../../storage/storage.js';
import { asksPeople } from '../asked-of-change.js';
import type { KeyHead } from '../keys/stored/key-head.js';
import type { ChangeRecord, StoredOrder } from './change-record.js';

interface AskedKey {
  readonly row: Pick<KeyRow, 'owner'>;
  readonly head: Pick<KeyHead, 'policy'>;
}

/** What people whom the terms name for a change have said of an order by now; null: they ask nobody, or it is no order that they are asked about. */
export async function saidOfOrder(
  { people }: Pick<ServerContext, 'people'>,
  reader: Reader,
  key: AskedKey,
  stored: StoredOrder | null,
): Promise<PeopleSaid | null> {
  if (stored === null || !stored.isWeighty || !asksPeople(key.head.policy)) return null;
  return people.said(reader, matterOf(key, askedOf(stored), ALWAYS));
}

/** Votes say themselves when they end; what is counted is when the order itself is over. */
const ALWAYS = 253_402_300_799;

/** Has people asked about an order, where the terms of the key name them for it. */
export async function askAboutOrder(
  { people, clock }: Pick<ServerContext, 'people' | 'clock'>,
  transaction: Transaction,
  key: AskedKey,
  asked: OrderAsked,
  { sentence, lasts }: { readonly sentence: string; readonly lasts: number },
): Promise<void> {
  const { change } = key.head.policy;
  if (change === undefined || !asksPeople(key.head.policy)) return;
  const matter = matterOf(key, asked, clock() + lasts);
  await people.ask(transaction, { ...matter, payload: encodeOrder(asked), sentence, names: change.of });
}

/** Nobody is asked any more about the order that waited in an epoch, which is decided. */
export async function endAsking(
  { people }: Pick<ServerContext, 'people'>,
  transaction: Transaction,
  key: AskedKey | null,
  { order }: Pick<ChangeRecord, 'order'>,
): Promise<void> {
  if (key === null || order === null || !asksPeople(key.head.policy)) return;
  await people.end(transaction, matterOf(key, askedOf(order), ALWAYS));
}

/**
 * Nobody is asked any more about the order that waited in an epoch: it is taken back or over, or another one takes its place. It may be proposed again as it
 * was: then what was said of it holds, so that no older word of anybody comes back.
 */
export async function restAsking(
  { people }: Pick<ServerContext, 'people'>,
  transaction: Transaction,
  key: AskedKey | null,
  { order }: Pick<ChangeRecord, 'order'>,
): Promise<void> {
  if (key === null || order === null || !asksPeople(key.head.policy)) return;
  await people.rest(transaction, matterOf(key, askedOf(order), ALWAYS));
}

/** A yes to an order is none to the same one by the words, nor the other way round. */
function askedOf({ order, byWords }: StoredOrder): OrderAsked {
  return { order, byWords: byWords === true };
}

function matterOf({ row: { owner }, head }: AskedKey, asked: OrderAsked, expiresAt: number): MatterOfPeople {
  const terms = head.policy;
  return { owner, terms, ballot: ballotOfOrder(asked, { termsHash: policyHash(terms), expiresAt }) };
}
