import { concatBytes, reveal, secret, type Secret } from '@ckm/foundation';
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
import type { PublicKeyPackage } from '../../key/public-package.js';
import type { DealerOpening } from './dealing.js';
import {
  type CertifyMessage,
  type CommitMessage,
  type DkgMessage,
  decodeRound,
  frameMessage,
  MAX_MESSAGE_BYTES,
  type ShareMessage,
} from './messages.js';
import {
  encodeKeyParams,
  type KeyParams,
  MAX_PARAMS_BYTES,
  parseKeyParams,
  suiteLengths,
} from '../../key/params.js';

interface Anyone {
  readonly params: KeyParams;
  readonly me: PartyIndex;
}

/** Committed; waiting for the others' commitments. */
export interface CommittedState extends Anyone {
  readonly round: 0;
  readonly staticSecret: Secret<Uint8Array>;
  /** 32 bytes: root of the secrets of this run. */
  readonly root: Secret<Uint8Array>;
  readonly opening: DealerOpening;
  /** What this party posted. */
  readonly posted: CommitMessage;
}

/** Dealt; waiting for the others' dealings. The polynomial is gone. */
export interface SharedState extends Anyone {
  readonly round: 1;
  readonly staticSecret: Secret<Uint8Array>;
  /** d·P of every party, one after another. */
  readonly staticPoints: Secret<Uint8Array>;
  /** 32 bytes: makes the nonce of the signature fresh. */
  readonly hedge: Secret<Uint8Array>;
  /** Of all parties, in order of slots. */
  readonly round0: readonly CommitMessage[];
  readonly posted: ShareMessage;
}

/**
 * Signed; waiting for the others' signatures. From here on the share may be in use by others who hold the
 * certificate: never discard this state because the rest does not arrive.
 */
export interface CertifiedState extends Anyone {
  readonly round: 2;
  readonly share: Secret<Uint8Array>;
  readonly public: PublicKeyPackage;
  readonly round0: readonly CommitMessage[];
  readonly round1: readonly ShareMessage[];
  readonly posted: CertifyMessage;
}

export type DkgState = CommittedState | SharedState | CertifiedState;

const MAX_STATE_BYTES = 4096 + MAX_PARAMS_BYTES + MOST_PARTIES * (4 + 4 + 2 * MAX_MESSAGE_BYTES);
const WHAT = 'the state of a key generation';

export const dkgStateCodec: Codec<DkgState> = {
  maxBytes: MAX_STATE_BYTES,
  encode: encodeState,
  decode: decodeState,
};

function encodeState(state: DkgState): Uint8Array {
  const head = [uint8(state.round), block(encodeKeyParams(state.params)), uint16be(state.me)];
  const posted = frameMessage(state.posted);
  if (state.round === 0) {
    const { commitment, ephemeralKey } = state.opening;
    return concatBytes(
      ...head,
      opened(state.staticSecret),
      opened(state.root),
      commitment,
      ephemeralKey,
      posted,
    );
  }
  if (state.round === 1) {
    return concatBytes(
      ...head,
      opened(state.staticSecret),
      opened(state.staticPoints),
      opened(state.hedge),
      ...state.round0.map(frameMessage),
      posted,
    );
  }
  return concatBytes(
    ...head,
    opened(state.share),
    ...state.public.commitment,
    ...state.public.verifyingShares,
    state.public.chainCode,
    ...state.round0.map(frameMessage),
    ...state.round1.map(frameMessage),
    posted,
  );
}

function decodeState(bytes: Uint8Array): DkgState {
  const reader = readLayout(bytes, WHAT, MAX_STATE_BYTES);
  const round = reader.uint8();
  const params = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const me = reader.uint16be() as PartyIndex;
  if (me < 1 || me > params.quorum.of) throw layoutInvalid(WHAT);
  const state = decodeRest(reader, round, { params, me });
  reader.end();
  return state;
}

function decodeRest(reader: LayoutReader, round: number, anyone: Anyone): DkgState {
  const { quorum, suite } = anyone.params;
  const { element, scalar } = suiteLengths(suite);
  const message = <R extends DkgMessage['round']>(of: R) => decodeRound(of, reader.block(MAX_MESSAGE_BYTES));
  const secretBytes = (length: number) => secret(reader.bytes(length));
  if (round === 0) {
    const staticSecret = secretBytes(scalar);
    const root = secretBytes(32);
    const opening = {
      commitment: reader.bytes(quorum.needed * element),
      ephemeralKey: reader.bytes(element),
    };
    return { ...anyone, round, staticSecret, root, opening, posted: message(0) };
  }
  if (round === 1) {
    const staticSecret = secretBytes(scalar);
    const staticPoints = secretBytes(quorum.of * element);
    const hedge = secretBytes(32);
    const round0 = many(quorum.of, () => message(0));
    return { ...anyone, round, staticSecret, staticPoints, hedge, round0, posted: message(1) };
  }
  if (round !== 2) throw layoutInvalid(WHAT);
  const share = secretBytes(scalar);
  const commitment = many(quorum.needed, () => reader.bytes(element));
  const verifyingShares = many(quorum.of, () => reader.bytes(element));
  const chainCode = reader.bytes(32);
  const round0 = many(quorum.of, () => message(0));
  const round1 = many(quorum.of, () => message(1));
  return {
    ...anyone,
    round,
    share,
    public: { suite, quorum, groupKey: commitment[0]!, commitment, verifyingShares, chainCode },
    round0,
    round1,
    posted: message(2),
  };
}

function opened(value: Secret<Uint8Array>): Uint8Array {
  return reveal(value, 'encode the state of a key generation');
}

function many<T>(length: number, read: () => T): T[] {
  return Array.from({ length }, read);
}
