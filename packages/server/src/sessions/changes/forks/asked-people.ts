import { ballotOfSettling, encodeSettleAsked, policyHash, type SettleAsked } from '@ckm/api';
import { parseChangeCertificate } from '@ckm/threshold';
import type { MatterOfPeople, PeopleSaid, ServerContext } from '../../../context.js';
import type { Reader, Transaction } from '../../../storage/storage.js';
import { asksPeople } from '../../asked-of-change.js';
import type { Settling } from '../change-record.js';
import type { DecidingScope, StoredHead } from '../deciding.js';

type Asking = Pick<ServerContext, 'people'>;
type ForkedHead = DecidingScope & { readonly head: Pick<StoredHead['head'], 'policy'> };
type Ordered = Pick<Settling, 'certificates' | 'names'>;

/** Votes say themselves when they end; what is counted is when the order itself is over. */
const ALWAYS = 253_402_300_799;

/** What people whom the terms name for a change have said of an order to settle; null: they ask nobody, or none is open. */
export async function saidOfSettling(
  { people }: Asking,
  reader: Reader,
  forked: ForkedHead,
  settling: Ordered | null,
): Promise<PeopleSaid | null> {
  if (settling === null || !asksPeople(forked.head.policy)) return null;
  return people.said(reader, matterOf(forked, settling, ALWAYS));
}

/** Has them asked about it. @param lasts seconds */
export async function askAboutSettling(
  { people, clock }: Asking & Pick<ServerContext, 'clock'>,
  transaction: Transaction,
  forked: ForkedHead,
  settling: Ordered,
  { sentence, lasts }: { readonly sentence: string; readonly lasts: number },
): Promise<void> {
  const { policy } = forked.head;
  if (policy.change === undefined || !asksPeople(policy)) return;
  const matter = matterOf(forked, settling, clock() + lasts);
  const payload = encodeSettleAsked(askedOf(forked, settling));
  await people.ask(transaction, { ...matter, payload, sentence, names: policy.change.of });
}

/** Nobody is asked any more; the very same may be ordered again, and then what was said of it holds. */
export async function restSettling(
  { people }: Asking,
  transaction: Transaction,
  forked: ForkedHead,
  settling: Ordered | null,
): Promise<void> {
  if (settling === null || !asksPeople(forked.head.policy)) return;
  await people.rest(transaction, matterOf(forked, settling, ALWAYS));
}

function matterOf(forked: ForkedHead, settling: Ordered, expiresAt: number): MatterOfPeople {
  const { owner, head } = forked;
  const terms = head.policy;
  const under = { termsHash: policyHash(terms), expiresAt };
  return { owner, terms, ballot: ballotOfSettling(askedOf(forked, settling), under) };
}

function askedOf({ keyId, epoch }: DecidingScope, { certificates, names }: Ordered): SettleAsked {
  const { previous } = parseChangeCertificate(certificates[0]!).change.next;
  const [counts, ...others] = names as readonly [Uint8Array, ...Uint8Array[]];
  return { keyId, epoch, transcriptHash: previous, counts, others };
}
