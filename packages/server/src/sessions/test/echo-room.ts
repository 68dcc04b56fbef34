import { type Proposal, EVERYONE } from '@ckm/api';
import { concatBytes, EncodingError, PolicyError } from '@ckm/foundation';
import { type Data, decodeData, encodeData, primitives } from '@ckm/gordian';
import type { JoinedSession, Room, RoomMeans, RoomStep } from '../room/room.js';
import type { Seats } from '../room/seats.js';

/** A proposal to the echo room. */
export type EchoProposal = Proposal & {
  readonly kind: 'echo';
  readonly text: string;
  readonly length: number;
};

/** What a server of the echo room puts forward. */
export interface EchoOffer {
  readonly identityKey: Uint8Array;
  readonly sealingKey: Uint8Array;
}

const COLLECTOR = 1;
const SECRET_BYTES = 32;
/** Of what slots 2 and 3 tell slot 1, when nothing is asked to be repeated. */
export const SECRET_LENGTH = SECRET_BYTES;
const LIMIT = 262_144;

/**
 * The smallest ceremony that is unlike the making of a key, for tests. Slots 1 and 2 tell everyone a hash of their secret;
 * then slots 2 and 3 tell slot 1 a secret of theirs, and nobody else; then slot 1 tells everyone the hash of what it
 * heard. The operator is asked first. It makes no key. A text of `no` is refused.
 */
export function createEchoRoom(): Room<EchoProposal> {
  return {
    kind: 'echo',
    protocol: 'ckm/echo/v1',
    lastRound: 2,
    parseProposal(proposal) {
      const { text, length } = proposal;
      if (typeof text === 'string' && typeof length === 'number' && length <= LIMIT)
        return { ...proposal, kind: 'echo', text, length };
      throw new EncodingError('an echo has a text and a length', {
        code: 'PARAMETERS_INVALID',
        hint: 'add them',
      });
    },
    sentence: ({ text }) => `Echo ${text}.`,
    admit: async (_asking, { text }) =>
      text === 'no'
        ? { kind: 'refusal', error: new PolicyError('no echo', { code: 'ECHO_REFUSED', hint: 'do not' }) }
        : { kind: 'ask' },
    open({ identity, random }) {
      const { signing, agreement } = identity.publicKeys;
      const offer: EchoOffer = { identityKey: signing.bytes, sealingKey: agreement };
      return { offer: { ...offer }, secrets: random(SECRET_BYTES) };
    },
    join(means, session, parameters) {
      const seats = seatsOf(means, parameters);
      const says = isTeller(seats.ownSlot)
        ? [{ round: 0, to: 0, payload: primitives.sha256(session.secrets) }]
        : [];
      const awaiting = [1, 2].filter((slot) => slot !== seats.ownSlot);
      const step = {
        kind: 'waiting',
        secrets: session.secrets.slice(),
        round: 0,
        awaiting,
        says,
        keys: [],
      } as const;
      return { seats, step };
    },
    payloadLimit: (round) => (round === 1 ? LIMIT : SECRET_BYTES),
    isReadable: (round, payload) => (round === 1 ? payload.length > 0 : payload.length === SECRET_BYTES),
    advance,
  };
}

/** What is agreed on: the offers, in slot order. */
export function encodeEchoParameters(offers: readonly EchoOffer[]): Uint8Array {
  return encodeData(offers.map(({ identityKey, sealingKey }) => ({ identityKey, sealingKey })));
}

/** What slot 2 or 3 tells slot 1 alone: its secret, as often as it fits. */
export function secretText(secret: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => secret[i % secret.length]!);
}

function seatsOf({ identity }: RoomMeans, parameters: Uint8Array): Seats {
  const offers = decodeData(parameters) as unknown as readonly EchoOffer[];
  const own = Buffer.from(identity.publicKeys.signing.bytes);
  return {
    identityKeys: offers.map(({ identityKey }) => identityKey),
    sealingKeys: offers.map(({ sealingKey }) => sealingKey),
    ownSlot: offers.findIndex(({ identityKey }) => own.equals(identityKey)) + 1,
    epoch: 7,
    speeches: [
      [{ from: [1, 2], to: EVERYONE }],
      [{ from: [2, 3], to: [COLLECTOR] }],
      [{ from: [COLLECTOR], to: EVERYONE }],
    ],
  };
}

function isTeller(slot: number): boolean {
  return slot <= 2;
}

function advance(
  _means: RoomMeans,
  { proposal, secrets, seats, round }: JoinedSession<EchoProposal>,
  heard: readonly { readonly from: number; readonly payload: Uint8Array }[],
): RoomStep {
  const isCollector = seats.ownSlot === COLLECTOR;
  if (round === 0) {
    const said = { round: 1, to: COLLECTOR, payload: secretText(secrets, proposal.length) };
    return isCollector
      ? { kind: 'waiting', secrets: secrets.slice(), round: 1, awaiting: [2, 3], says: [], keys: [] }
      : {
          kind: 'waiting',
          secrets: secrets.slice(),
          round: 2,
          awaiting: [COLLECTOR],
          says: [said],
          keys: [],
        };
  }
  const together = isCollector
    ? primitives.sha256(concatBytes(...heard.map(({ payload }) => payload)))
    : heard[0]!.payload;
  const says = isCollector ? [{ round: 2, to: 0, payload: together }] : [];
  const result: { readonly kind: string; readonly together: Data } = { kind: 'echo', together };
  return { kind: 'finished', says, keys: [], result };
}
