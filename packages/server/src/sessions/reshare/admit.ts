import type { ChangeOrder, ReshareProposal } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  hashOrder,
  parseStatement,
  type OldMembers,
  type PromiseStatement,
  type Signed,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand, refusal } from '../../refusals.js';
import type { Reader, Transaction } from '../../storage/storage.js';
import { type Deciding, decidersOf, isOfRoster, memberOf, readDeciding } from '../changes/deciding.js';
import { findOrder, writeChange } from '../changes/change-record.js';
import { judgeOrder } from '../changes/guards.js';
import type { ChangeMeans } from '../changes/means.js';
import { isShareHere } from '../keys/stored/read-key.js';
import type { Admission, Asking } from '../room/room.js';

/** Whether this server takes part in moving the shares. @throws as {@link assertTakesPart}, `readDeciding`; PolicyError `QUOTA_KEYS`, `QUOTA_BYTES` */
export async function admitReshare(
  means: Pick<ChangeMeans, 'context' | 'counting'>,
  { account, transaction }: Asking,
  proposal: ReshareProposal,
): Promise<Admission> {
  const { order, keyId } = proposal;
  const { quota } = means.context.accounts;
  const scope = { owner: account.xid, keyId, epoch: order.epoch };
  const deciding = await readDeciding(means.context, transaction, scope);
  assertTakesPart(means, deciding, proposal);
  await assertShareIsIt(means.context, transaction, deciding, proposal);
  // Here and not later: what is decided with this server's signature is carried out, whatever it takes.
  if (deciding.key === null && deciding.former === null) await quota.key(transaction, account);
  await quota.bytes(transaction, account, bytesOfNext(deciding, order));
  await noteOffer(means.context, transaction, deciding);
  return { kind: 'offer' };
}

/** A share that opens and is not the certified one deals nothing: others do, and its server receives one that is. @throws StateError `CHANGE_CANNOT_DEAL` */
async function assertShareIsIt(
  context: Pick<ServerContext, 'epochKeys' | 'vault' | 'events'>,
  reader: Reader,
  deciding: Deciding,
  { dealers }: ReshareProposal,
): Promise<void> {
  if (!isDealing(deciding, dealers)) return;
  demand(await isShareHere(context, reader, deciding.key!.row), 'CHANGE_CANNOT_DEAL', LOST);
}

const LOST = 'this server has lost its share, and can only receive one';

function isDealing({ slot }: Deciding, dealers: readonly number[]): boolean {
  return slot !== null && dealers.includes(slot);
}

/** What a server that joins signs may be decided: from then on it keeps to the chain that it signs for. */
async function noteOffer(
  context: Pick<ServerContext, 'vault'>,
  transaction: Transaction,
  { owner, keyId, epoch, key, changeRow, record }: Deciding,
): Promise<void> {
  if (key !== null || record.offered) return;
  const scope = { owner, keyId, epoch };
  await writeChange(context, transaction, scope, null, changeRow, { ...record, offered: true });
}

/**
 * The order was proposed here and its conditions are met, enough old members have promised this attempt for it and none of
 * them is bound to what was signed before, and this server has spoken in no higher attempt.
 * @throws StateError `CHANGE_UNKNOWN`, `CHANGE_NOT_MEMBER`, `CHANGE_REFUSED`, `CHANGE_CANNOT_DEAL`
 */
export function assertTakesPart(
  { context, counting }: Pick<ChangeMeans, 'context' | 'counting'>,
  deciding: Deciding,
  proposal: ReshareProposal,
): void {
  const { order, keyId, dealers, attempt } = proposal;
  demand(equalBytes(order.keyId, keyId), 'CHANGE_UNKNOWN', 'the order is of another key');
  if (deciding.record.decided !== null) throw refused('decided');
  const hash = hashOrder(order);
  const stored = findOrder(deciding.record, hash);
  if (stored === null) throw refusal('CHANGE_UNKNOWN', 'no such order was proposed here');
  const { verdict } = judgeOrder(counting(), deciding, stored);
  if (verdict !== 'passed') throw refused(verdict);
  assertDealers(deciding, dealers);
  if (deciding.slot !== null && memberOf(deciding).attempt > attempt) throw refused('attempt-past');
  if (!arePromised(decidersOf(deciding, stored.byWords === true ? hash : null), proposal, hash))
    throw refused('promises-too-few');
  const deals = isDealing(deciding, dealers);
  demand(
    deals || isOfRoster(context, order.roster),
    'CHANGE_NOT_MEMBER',
    'this server neither deals nor receives',
  );
  const { key } = deciding;
  const hasShare = key !== null && context.epochKeys.exists(key.row);
  demand(!deals || hasShare, 'CHANGE_CANNOT_DEAL', LOST);
}

/** About as many as will be stored of the next epoch: each dealer's ciphertexts, proofs and points, each server's entry, what old members said. */
function bytesOfNext({ before }: Deciding, { quorum }: Pick<ChangeOrder, 'quorum'>): number {
  const { needed, of } = before.params.quorum;
  return 2 * (needed * (100 * quorum.of + 40 * quorum.needed + 200) + 400 * quorum.of + 1_000 * of);
}

/** As many as the old quorum needs, in order, each of the old epoch. */
function assertDealers({ before }: Deciding, dealers: readonly number[]): void {
  const { needed, of } = before.params.quorum;
  const areInOrder = dealers.every((slot, i) => slot <= of && (i === 0 || slot > dealers[i - 1]!));
  if (dealers.length !== needed || !areInOrder) throw refused('dealers');
}

/** Whether enough different members promised this attempt for this order, unbound; a quorum, where the words have released them for it. */
function arePromised(members: OldMembers, { promises, attempt }: ReshareProposal, hash: Uint8Array): boolean {
  const said = promises
    .map(parseStatement)
    .filter((one): one is Signed<PromiseStatement> => one.kind === 'promise');
  const isReleased = members.released !== null;
  const counting = said.filter(
    (one) =>
      one.attempt === attempt &&
      one.mayFork === isReleased &&
      one.highest === null &&
      equalBytes(one.orderHash, hash) &&
      members.isSigned(one),
  );
  const needed = isReleased ? members.quorum.needed : members.needed;
  return new Set(counting.map(({ slot }) => slot)).size >= needed;
}

function refused(reason: string) {
  return refusal('CHANGE_REFUSED', `this server does not take part: ${reason}`, { reason });
}
