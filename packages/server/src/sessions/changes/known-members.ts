import { checkIdentities, parseKeyParams, type ChangeParams, type RosterEntry } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { Reader } from '../../storage/storage.js';
import { epochsOfChain, readPublicEpoch } from '../keys/past-epochs.js';
import type { JoiningKey } from './change-record.js';
import type { Deciding } from './deciding.js';
import { type KeyName, rostersTo } from './shown-epochs.js';

/** The rosters of a key up to the deciding epoch, all of them: what whoever checks the whole chain later compares with. */
export async function readRosters(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { owner, keyId, epoch, key, record: { joining } }: Deciding,
): Promise<readonly RosterEntry[]> {
  if (key === null) return rostersOfJoining(context, reader, { owner, keyId }, joining!);
  const known: RosterEntry[] = [];
  for (let number = 0; number <= epoch; number++) {
    const { parameters } = await readPublicEpoch(context, reader, { owner, keyId }, number);
    known.push(...parseKeyParams(parameters).roster);
  }
  return known;
}

/** Of a key that this server is to join: it was shown all certificates at once, or in pages. */
async function rostersOfJoining(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  name: KeyName,
  { chain, parameters, transcriptHash }: JoiningKey,
): Promise<readonly RosterEntry[]> {
  if (chain.length > 0) return epochsOfChain(chain).flatMap((one) => parseKeyParams(one.parameters).roster);
  const { epoch } = parseKeyParams(parameters);
  return rostersTo(context, reader, name, { epoch, transcriptHash });
}

/**
 * A server keeps its identity through all epochs, and no static key comes back: a change in which one does would make the chain
 * of the key one that nobody can check any more.
 * @throws EncodingError `CHANGE_INVALID`
 */
export function assertKnown(known: readonly RosterEntry[], { next }: Pick<ChangeParams, 'next'>): void {
  checkIdentities(known, next.roster);
}
