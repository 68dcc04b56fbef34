import { encodeData } from '@ckm/gordian';
import { hashByWords, hashOrder } from '@ckm/threshold';
import { z } from 'zod';
import { type ChangeOrder, changeOrder } from './changes.js';
import { type NamedMatter, namedQuestion } from './votes/named-ballot.js';

/** Of 32 servers there are some 4,500 bytes. */
const LIMITS = { maxBytes: 16_384, maxDepth: 4, maxItems: 256 } as const;
const KIND = 'order';

/** An order as people are asked about it. */
export interface OrderAsked {
  readonly order: ChangeOrder;
  /** Whether the words of the owner gave it: fewer servers decide on it than ever do, and it may fork. It is another matter then. */
  readonly byWords: boolean;
}

/** What people are shown who are asked about an order: canonical, so that its hash names it. */
export function encodeOrder({ order, byWords }: OrderAsked): Uint8Array {
  const { keyId, epoch, transcriptHash, quorum, roster, termsVersion } = order;
  return encodeData({
    ...(byWords ? { byWords } : {}),
    keyId,
    epoch,
    transcriptHash,
    quorum: { needed: quorum.needed, of: quorum.of },
    roster: roster.map(({ serverId, identityKey }) => ({ serverId, identityKey })),
    termsVersion,
  });
}

const orderAsked = changeOrder
  .extend({ byWords: z.literal(true).optional() })
  .transform(({ byWords = false, ...order }): OrderAsked => ({ order, byWords }));

const question = namedQuestion({
  form: orderAsked,
  limits: LIMITS,
  named,
  what: 'the order',
  code: 'ORDER_INVALID',
});

/** What is voted on in an order about who holds a key next, under the terms in force. */
export const ballotOfOrder = question.ballotOf;

/** The order that somebody is shown who is asked about it. @throws EncodingError `ORDER_INVALID`, `CBOR_…` */
export const readOrderAsked = question.read;

/** What names an order for operators and people, 32 bytes: its six words are told by phone. */
export function nameOfOrder(orderHash: Uint8Array, byWords: boolean): Uint8Array {
  return byWords ? hashByWords(orderHash) : orderHash;
}

function named(asked: OrderAsked): NamedMatter {
  const { order, byWords } = asked;
  return {
    matter: 'order',
    kind: KIND,
    keyId: order.keyId,
    hash: nameOfOrder(hashOrder(order), byWords),
    bytes: encodeOrder(asked),
  };
}
