import { type KeyParams, parseKeyParams, type RosterEntry } from '@ckm/threshold';
import { encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../../../context.js';
import type { KeyRow, Reader } from '../../../storage/storage.js';
import { readPublicEpoch } from '../past-epochs.js';
import type { KeyHead } from '../stored/key-head.js';
import { storedFrom } from '../stored/read-key.js';

/** A key, as it is stored. */
export interface Stored {
  readonly row: KeyRow;
  readonly head: KeyHead;
}

/** So many epochs are looked back over. */
const MOST_LOOKED_BACK = 64;
/** Of so many changes of members somebody can tell; of more in one window he cannot. */
const MOST_ROSTERS = 16;

/**
 * The members of a key, from an epoch on back, each roster once, in the last epoch that had it; of which of them somebody has to tell shows in
 * what the later ones say.
 * @param first of that epoch
 */
export async function rostersBefore(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { row }: Pick<Stored, 'row'>,
  first: KeyParams,
): Promise<readonly KeyParams[]> {
  const rosters = [first];
  const earliest = Math.max(0, first.epoch - MOST_LOOKED_BACK);
  for (let epoch = first.epoch - 1; epoch >= earliest && rosters.length < MOST_ROSTERS; epoch--) {
    const { parameters } = await readPublicEpoch(context, reader, row, epoch);
    const params = parseKeyParams(parameters);
    if (!hasSameMembers(rosters.at(-1)!, params)) rosters.push(params);
  }
  return rosters;
}

/**
 * In which epoch of a key this server was at some moment, as far back as it has noted when it entered one: an earlier one where it has not.
 * @param moment UnixSeconds
 */
export async function epochAt(
  context: Pick<ServerContext, 'vault'>,
  reader: Reader,
  { row, head }: Stored,
  moment: number,
): Promise<number> {
  let { epoch } = row;
  let entered = head.since;
  const earliest = Math.max(0, row.epoch - MOST_LOOKED_BACK);
  while (epoch > earliest && entered !== undefined && entered > moment) {
    epoch -= 1;
    entered = (await storedFrom(context, reader, { ...row, epoch })).since;
  }
  return epoch;
}

function hasSameMembers(one: KeyParams, other: KeyParams): boolean {
  const names = new Set(one.roster.map(nameOf));
  return (
    one.quorum.needed === other.quorum.needed &&
    one.quorum.of === other.quorum.of &&
    other.roster.every((entry) => names.has(nameOf(entry)))
  );
}

export function nameOf({ identityKey }: Pick<RosterEntry, 'identityKey'>): string {
  return encodeHex(identityKey);
}
