import { EncodingError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { hashOrder } from '@ckm/threshold';
import { type ChangeOrder, changeOrder } from './changes.js';
import type { Ballot } from './votes/ballot.js';
import {
  ballotOfNamed,
  isNamedAs,
  type NamedAs,
  type NamedMatter,
  type VotedUnder,
} from './votes/named-ballot.js';

/** Of 32 servers there are some 4,500 bytes. */
const LIMITS = { maxBytes: 16_384, maxDepth: 4, maxItems: 256 } as const;
const KIND = 'order';

/** What people are shown who are asked about an order: canonical, so that its hash names it. */
export function encodeOrder({
  keyId,
  epoch,
  transcriptHash,
  quorum,
  roster,
  termsVersion,
}: ChangeOrder): Uint8Array {
  return encodeData({
    keyId,
    epoch,
    transcriptHash,
    quorum: { needed: quorum.needed, of: quorum.of },
    roster: roster.map(({ serverId, identityKey }) => ({ serverId, identityKey })),
    termsVersion,
  });
}

/** What is voted on in an order about who holds a key next, under the terms in force. */
export function ballotOfOrder(order: ChangeOrder, under: VotedUnder): Omit<Ballot, 'serverId'> {
  return ballotOfNamed(named(order), under);
}

/**
 * The order that somebody is shown who is asked about it, where it is the one that the vote would name.
 * @throws EncodingError `ORDER_INVALID`, `CBOR_…`
 */
export function readOrderAsked(payload: Uint8Array, shown: NamedAs): ChangeOrder {
  const parsed = changeOrder.safeParse(decodeData(payload, LIMITS));
  if (parsed.success && isNamedAs(named(parsed.data), payload, shown)) return parsed.data;
  throw orderInvalid();
}

function named(order: ChangeOrder): NamedMatter {
  return {
    matter: 'order',
    kind: KIND,
    keyId: order.keyId,
    hash: hashOrder(order),
    bytes: encodeOrder(order),
  };
}

function orderInvalid(): EncodingError {
  return new EncodingError('what is shown is not the order that is named', {
    code: 'ORDER_INVALID',
    hint: 'say yes to nothing; compare what each of the servers shows with what the owner says himself',
  });
}
