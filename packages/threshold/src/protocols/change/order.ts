import { isBytes, isEpoch } from '../../key/params.js';
import { taggedHash } from '../../hash/index.js';
import { layoutInvalid, uint32be, uint8 } from '../../protocol/layout.js';
import { parseQuorum, type Quorum } from '../../sharing/index.js';
import type { DecidingEpoch } from './statements.js';

/** Who shall hold the key in the next epoch: nothing that another try would change. */
export interface OrderCore extends DecidingEpoch {
  /** Of the next epoch. */
  readonly quorum: Quorum;
  /** Of the next epoch, in order of slots: XID (32 bytes) and Ed25519 identity key (32 bytes). */
  readonly roster: readonly OrderMember[];
  /** Version of the terms under which the order is given. */
  readonly termsVersion: number;
}

export interface OrderMember {
  readonly serverId: Uint8Array;
  readonly identityKey: Uint8Array;
}

/**
 * Names the same order where the words of its owner gave it, for whoever is asked about it, 32 bytes: fewer members decide on it and it may fork, so that a yes to one is none to the
 * other. Members of the epoch tell the two apart by the mark of what they say.
 */
export function hashByWords(orderHash: Uint8Array): Uint8Array {
  return taggedHash('CKM/change/by-words/v1', orderHash);
}

/**
 * Names an order, 32 bytes. Receiver keys, dealers, the attempt and its promises are outside, so that a retry does not
 * begin the order's delay anew.
 * @throws EncodingError `LAYOUT_INVALID`, `QUORUM_INVALID`
 */
export function hashOrder(core: OrderCore): Uint8Array {
  const { needed, of } = parseQuorum(core.quorum);
  const isWhole =
    isBytes(core.keyId, 32) &&
    isEpoch(core.epoch) &&
    isBytes(core.transcriptHash, 32) &&
    isEpoch(core.termsVersion) &&
    core.roster.length === of &&
    core.roster.every(({ serverId, identityKey }) => isBytes(serverId, 32) && isBytes(identityKey, 32));
  if (!isWhole) throw layoutInvalid('an order to change membership');
  return taggedHash(
    'CKM/change/order/v1',
    core.keyId,
    uint32be(core.epoch),
    core.transcriptHash,
    uint8(needed),
    uint8(of),
    uint32be(core.termsVersion),
    ...core.roster.flatMap(({ serverId, identityKey }) => [serverId, identityKey]),
  );
}
