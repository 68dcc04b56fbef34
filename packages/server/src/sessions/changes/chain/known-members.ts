import { type ChangeParams, type KnownMembers, knownMembers, parseKeyParams } from '@ckm/threshold';
import type { Call, ServerContext } from '../../../context.js';
import { epochsOfChain } from '../../keys/past-epochs.js';
import { costOfEpochs } from '../../session-cost.js';
import type { Deciding } from '../deciding.js';
import type { ChangeMeans } from '../means.js';
import { membersTo, type Readings } from './read-past.js';

/**
 * A server keeps its identity through all epochs, and no static key comes back: a change in which one does would make the chain
 * of the key one that nobody can check any more. Asked last, of what holds otherwise: it costs as much as the key is long.
 * @throws EncodingError `CHANGE_INVALID`; PolicyError `QUOTA_COST`
 */
export async function assertKnown(
  { context, charge, pastMembers }: Pick<ChangeMeans, 'context' | 'charge' | 'pastMembers'>,
  call: Call,
  deciding: Deciding,
  changes: readonly Pick<ChangeParams, 'next'>[],
): Promise<void> {
  charge(call.account, costOfEpochs(deciding.epoch));
  const { owner, keyId, epoch, before } = deciding;
  const to = { owner, keyId, epoch, transcriptHash: before.transcriptHash };
  const known = await pastMembers.recall(to, () => readMembers(context, context.storage, deciding));
  for (const { next } of changes) known.check(next.roster);
}

/** The same, of what its caller has counted. @throws EncodingError `CHANGE_INVALID` */
export async function assertKnownIn(
  context: Pick<ServerContext, 'vault'>,
  storage: Readings,
  deciding: Deciding,
  changes: readonly Pick<ChangeParams, 'next'>[],
): Promise<void> {
  const known = await readMembers(context, storage, deciding);
  for (const { next } of changes) known.check(next.roster);
}

/** Who has held a key up to the deciding epoch, as whoever checks the whole chain later compares. */
async function readMembers(
  context: Pick<ServerContext, 'vault'>,
  storage: Readings,
  { owner, keyId, epoch, key, before: { transcriptHash }, record: { joining } }: Deciding,
): Promise<KnownMembers> {
  // A key that this server is to join: it was shown all certificates at once, or in pages.
  if (key !== null || joining!.chain.length === 0)
    return membersTo(context, storage, { owner, keyId }, { epoch, transcriptHash });
  const known = knownMembers();
  for (const { parameters } of epochsOfChain(joining!.chain)) known.add(parseKeyParams(parameters).roster);
  return known;
}
