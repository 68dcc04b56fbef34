import { concatBytes, reveal, secret, type Secret } from '@ckm/foundation';
import { encodeKeyParams, MAX_PARAMS_BYTES, parseKeyParams, suiteLengths } from '../../key/params.js';
import type { PublicKeyPackage } from '../../key/public-package.js';
import type { Codec, PartyIndex } from '../../protocol/contract.js';
import {
  block,
  type LayoutReader,
  layoutInvalid,
  readLayout,
  uint16be,
  uint8,
} from '../../protocol/layout.js';
import { MOST_PARTIES } from '../../sharing/index.js';
import {
  type PublicEpoch,
  type ChangeParams,
  encodeChange,
  MAX_CHANGE_BYTES,
  parseChange,
} from './change.js';
import {
  type DealMessage,
  decodeDeal,
  frameReshareMessage,
  MAX_RESHARE_MESSAGE_BYTES,
  type PrepareMessage,
  reshareMessageCodec,
  isOfRound,
} from './messages.js';
import { seatsOf } from './seats.js';

interface Anyone {
  readonly before: PublicEpoch;
  readonly change: ChangeParams;
  /** Seat of this party. */
  readonly me: PartyIndex;
}

/** What a receiver needs until it has its share. */
export interface ReceiverSecrets {
  /** d′ */
  readonly staticSecret: Secret<Uint8Array>;
  /** 32 bytes: makes the nonce of the signature fresh. */
  readonly hedge: Secret<Uint8Array>;
}

/**
 * Has dealt, where it deals; waiting for the dealings of the others. Polynomial and old share are not in it: what was
 * dealt is sent again from here, and never dealt again.
 */
export interface DealtState extends Anyone {
  readonly round: 0;
  /** Null for whoever receives no share. */
  readonly receives: ReceiverSecrets | null;
  /** Null for whoever does not deal. */
  readonly posted: DealMessage | null;
}

/**
 * Holds the next share and has signed, where it receives; waiting for the signatures of the others. From here on others
 * may hold the certificate: the share is kept until one of that epoch is durable.
 */
export interface PreparedState extends Anyone {
  readonly round: 1;
  /** Null for whoever receives no share. */
  readonly share: Secret<Uint8Array> | null;
  readonly public: PublicKeyPackage;
  /** T′ and its echo, of dealings that this party checked. */
  readonly transcript: Uint8Array;
  readonly view: Uint8Array;
  /** In the order of the dealers. */
  readonly deals: readonly DealMessage[];
  /** Null for whoever receives no share. */
  readonly posted: PrepareMessage | null;
}

export type ReshareState = DealtState | PreparedState;

const MAX_PUBLIC_BYTES = 32 + 2 * MOST_PARTIES * 33;
const MAX_TRANSCRIPT_BYTES = 1024 + MOST_PARTIES * (33 + MAX_RESHARE_MESSAGE_BYTES);
const MAX_STATE_BYTES =
  1024 +
  MAX_PARAMS_BYTES +
  MAX_CHANGE_BYTES +
  2 * MAX_PUBLIC_BYTES +
  MAX_TRANSCRIPT_BYTES +
  (MOST_PARTIES + 1) * (4 + MAX_RESHARE_MESSAGE_BYTES);
const WHAT = 'the state of a change';

export const reshareStateCodec: Codec<ReshareState> = {
  maxBytes: MAX_STATE_BYTES,
  encode: encodeState,
  decode: decodeState,
};

function encodeState(state: ReshareState): Uint8Array {
  const { before, change, me, posted } = state;
  const head = [
    uint8(state.round),
    block(encodeKeyParams(before.params)),
    before.transcriptHash,
    encodePublic(before.public),
    block(encodeChange(change)),
    uint16be(me),
    posted === null ? block(new Uint8Array()) : frameReshareMessage(posted),
  ];
  if (state.round === 0) {
    const { receives } = state;
    return concatBytes(
      ...head,
      ...(receives === null ? [] : [opened(receives.staticSecret), opened(receives.hedge)]),
    );
  }
  return concatBytes(
    ...head,
    encodePublic(state.public),
    block(state.transcript),
    state.view,
    ...state.deals.map(frameReshareMessage),
    ...(state.share === null ? [] : [opened(state.share)]),
  );
}

function decodeState(bytes: Uint8Array): ReshareState {
  const reader = readLayout(bytes, WHAT, MAX_STATE_BYTES);
  const round = reader.uint8();
  const params = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const transcriptHash = reader.bytes(32);
  const before = { params, transcriptHash, public: readPublic(reader, params) };
  const change = parseChange(reader.block(MAX_CHANGE_BYTES));
  const me = reader.uint16be() as PartyIndex;
  const seat = seatsOf(before, change)[me - 1];
  if (seat === undefined) throw layoutInvalid(WHAT);
  const posted = reader.block(MAX_RESHARE_MESSAGE_BYTES);
  const state = decodeRest(reader, round, { before, change, me }, posted, seat.receiver !== null);
  reader.end();
  return state;
}

function decodeRest(
  reader: LayoutReader,
  round: number,
  anyone: Anyone,
  posted: Uint8Array,
  isReceiver: boolean,
): ReshareState {
  const { scalar } = suiteLengths(anyone.change.next.suite);
  const secretBytes = (length: number) => secret(reader.bytes(length));
  const message = posted.length === 0 ? null : reshareMessageCodec.decode(posted);
  if (round === 0) {
    if (message !== null && !isOfRound(0)(message)) throw layoutInvalid(WHAT);
    const receives = isReceiver ? { staticSecret: secretBytes(scalar), hedge: secretBytes(32) } : null;
    return { ...anyone, round, receives, posted: message };
  }
  if (round !== 1 || (message !== null && !isOfRound(1)(message))) throw layoutInvalid(WHAT);
  const publicHalf = readPublic(reader, anyone.change.next);
  const transcript = reader.block(MAX_TRANSCRIPT_BYTES);
  const view = reader.bytes(32);
  const deals = anyone.change.dealers.map(() => decodeDeal(reader.block(MAX_RESHARE_MESSAGE_BYTES)));
  const share = isReceiver ? secretBytes(scalar) : null;
  return { ...anyone, round, share, public: publicHalf, transcript, view, deals, posted: message };
}

function encodePublic({ commitment, verifyingShares, chainCode }: PublicKeyPackage): Uint8Array {
  return concatBytes(...commitment, ...verifyingShares, chainCode);
}

function readPublic(
  reader: LayoutReader,
  { suite, quorum }: Pick<PublicKeyPackage, 'suite' | 'quorum'>,
): PublicKeyPackage {
  const { element } = suiteLengths(suite);
  const commitment = Array.from({ length: quorum.needed }, () => reader.bytes(element));
  const verifyingShares = Array.from({ length: quorum.of }, () => reader.bytes(element));
  const chainCode = reader.bytes(32);
  return { suite, quorum, groupKey: commitment[0]!, commitment, verifyingShares, chainCode };
}

function opened(value: Secret<Uint8Array>): Uint8Array {
  return reveal(value, 'encode the state of a change');
}
