import { compareBytes } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { hashSettlement } from '@ckm/threshold';
import { z } from 'zod';
import { bytesOf, epoch, identifier } from './fields/fields.js';
import { type NamedMatter, namedQuestion } from './votes/named-ballot.js';

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

const question = namedQuestion({
  form: settleAsked,
  limits: LIMITS,
  named,
  what: 'the settlement',
  code: 'SETTLE_ASKED_INVALID',
});

/** What is voted on, under the terms in force: an order about who holds the key, of a kind of its own. */
export const ballotOfSettling = question.ballotOf;

/** The settlement that somebody is shown who is asked about it. @throws EncodingError `SETTLE_ASKED_INVALID`, `CBOR_…` */
export const readSettleAsked = question.read;

function named(asked: SettleAsked): NamedMatter {
  const hash = hashSettlement(asked, asked.counts, asked.others);
  return { matter: 'order', kind: 'settle', keyId: asked.keyId, hash, bytes: encodeSettleAsked(asked) };
}
