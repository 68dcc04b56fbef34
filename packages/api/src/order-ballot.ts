import { EncodingError, equalBytes } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { hashOrder } from '@ckm/threshold';
import { type ChangeOrder, changeOrder } from './changes.js';
import { hashPayload } from './crafts/request-hashes.js';
import type { Ballot } from './votes/ballot.js';

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

/**
 * What is voted on in an order about who holds a key next, under the terms in force. Nobody stands as who asks: it is by the owner, who has no say by himself.
 * @param termsHash of those in force
 * @param expiresAt UnixSeconds, when nobody is asked about it any more
 */
export function ballotOfOrder(
  order: ChangeOrder,
  { termsHash, expiresAt }: Pick<Ballot, 'termsHash' | 'expiresAt'>,
): Omit<Ballot, 'serverId'> {
  const hash = hashOrder(order);
  return {
    matter: 'order',
    matterId: hash,
    keyId: order.keyId,
    termsHash,
    requester: null,
    kind: KIND,
    payloadHash: hashPayload(KIND, encodeOrder(order)),
    tasksHash: hash,
    expiresAt,
  };
}

/**
 * The order that somebody is shown who is asked about it, where it is the one that the vote would name.
 * @throws EncodingError `ORDER_INVALID`, `CBOR_…`
 */
export function readOrderAsked(
  payload: Uint8Array,
  named: Pick<Ballot, 'matterId' | 'keyId' | 'payloadHash' | 'tasksHash' | 'termsHash' | 'expiresAt'>,
): ChangeOrder {
  const parsed = changeOrder.safeParse(decodeData(payload, LIMITS));
  if (!parsed.success) throw orderInvalid();
  const order = parsed.data;
  const ballot = ballotOfOrder(order, named);
  const isSame =
    equalBytes(encodeOrder(order), payload) &&
    (['matterId', 'keyId', 'payloadHash', 'tasksHash'] as const).every((name) =>
      equalBytes(ballot[name], named[name]),
    );
  if (!isSame) throw orderInvalid();
  return order;
}

function orderInvalid(): EncodingError {
  return new EncodingError('what is shown is not the order that is named', {
    code: 'ORDER_INVALID',
    hint: 'say yes to nothing; compare what each of the servers shows with what the owner says himself',
  });
}
