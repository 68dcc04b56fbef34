import { taggedHash } from '../../hash/index.js';
import type { KeyParams } from '../../key/params.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { uint32be } from '../../protocol/layout.js';
import { membersNeeded, membersOf, type OldMembers } from './members.js';
import type { DecidingEpoch } from './statements.js';

/**
 * Who decides which of several certificates of one next epoch counts: the members of the epoch before, once more, by the same three
 * statements, and by stricter rules. Whoever is shown to have signed twice has no say. Of those that are left so many decide that any
 * two such sets share a member that does not lie, if fewer than the quorum lie in all: then no two of them ever settle differently,
 * even where they know of different ones that signed twice. Where a quorum or more signed twice, all of them decide. Whoever forgot what
 * it said is reminded by nobody here, and says nothing. A strict key is settled in the same way: only a quorum of liars forks it.
 * @param twice slots that the certificates show to have signed twice
 * Source: docs/adr/0049
 */
export function settlersAmong(members: OldMembers, twice: readonly PartyIndex[]): OldMembers {
  const { needed, of } = members.quorum;
  if (twice.length >= needed) return { ...members, needed: of };
  const quorum = { needed: needed - twice.length, of: of - twice.length };
  return {
    ...members,
    quorum,
    needed: membersNeeded(quorum, true),
    isSigned: (statement) => !twice.includes(statement.slot) && members.isSigned(statement),
  };
}

/** As {@link settlersAmong}, of a certified epoch: what they say here passes for nothing that they said of a change, and the other way round. */
export function settlersOf(
  params: Pick<KeyParams, 'quorum' | 'roster' | 'keyId' | 'epoch' | 'flags'>,
  transcriptHash: Uint8Array,
  twice: readonly PartyIndex[],
): OldMembers {
  return settlersAmong(membersOf(params, settlingHash(transcriptHash)), twice);
}

/** Stands where the deciding epoch’s transcript hash stands in what members say of a change; 32 bytes. */
export function settlingHash(transcriptHash: Uint8Array): Uint8Array {
  return taggedHash('CKM/change/settling/v1', transcriptHash);
}

/** Names what is to be settled, 32 bytes: which next epoch counts, out of which. The order of those that do not is of no matter. */
export function hashSettlement(
  { keyId, epoch, transcriptHash }: DecidingEpoch,
  counts: Uint8Array,
  others: readonly Uint8Array[],
): Uint8Array {
  const sorted = others.toSorted(compareBytes);
  return taggedHash('CKM/change/settlement/v1', keyId, uint32be(epoch), transcriptHash, counts, ...sorted);
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((byte, i) => byte !== other[i]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}
