import { compareBytes, EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { hashSettlement } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, epoch, identifier } from './fields/fields.js';
import type { Ballot } from './votes/ballot.js';
import {
  ballotOfNamed,
  isNamedAs,
  type NamedAs,
  type NamedMatter,
  type VotedUnder,
} from './votes/named-ballot.js';

const LIMITS = { maxBytes: 4_096, maxDepth: 2, maxItems: 64 } as const;

const settleAsked = z.strictObject({
  keyId: identifier,
  /** Whose members settle, and its transcript hash. */
  epoch,
  transcriptHash: bytesOf(32),
  /** Transcript hash of the epoch that is to count. */
  counts: bytesOf(32),
  /** Of those that die. */
  others: z.array(bytesOf(32)).min(1).max(32),
});
/** Which of several certificates of one epoch of a key is to count. */
export type SettleAsked = z.infer<typeof settleAsked>;

/** What people are shown who are asked about it. */
export function encodeSettleAsked({ keyId, epoch, transcriptHash, counts, others }: SettleAsked): Uint8Array {
  return encodeData({ keyId, epoch, transcriptHash, counts, others: others.toSorted(compareBytes) });
}

/** What is voted on, under the terms in force: an order about who holds the key, of a kind of its own. */
export function ballotOfSettling(asked: SettleAsked, under: VotedUnder): Omit<Ballot, 'serverId'> {
  return ballotOfNamed(named(asked), under);
}

/**
 * The settlement that somebody is shown who is asked about it, where it is the one that the vote would name.
 * @throws EncodingError `SETTLE_ASKED_INVALID`, `CBOR_…`
 */
export function readSettleAsked(payload: Uint8Array, shown: NamedAs): SettleAsked {
  const parsed = settleAsked.safeParse(decodeData(payload, LIMITS));
  if (parsed.success && isNamedAs(named(parsed.data), payload, shown)) return parsed.data;
  throw new EncodingError('what is shown is not the settlement that is named', {
    code: 'SETTLE_ASKED_INVALID',
    hint: 'say yes to nothing; compare what each of the servers shows with what the owner says himself',
  });
}

function named(asked: SettleAsked): NamedMatter {
  const hash = hashSettlement(asked, asked.counts, asked.others);
  return { matter: 'order', kind: 'settle', keyId: asked.keyId, hash, bytes: encodeSettleAsked(asked) };
}
