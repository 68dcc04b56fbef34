import { concatBytes } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { uint64be } from '../../protocol/layout.js';
import { evaluatePolynomial, feldmanCommit, type Quorum } from '../../sharing/index.js';
import { TAG_LENGTH } from '../../key/cocktail/aead.js';
import { signCocktail } from '../../key/cocktail/signature.js';
import type { RunSecrets } from './secrets.js';
import type { CocktailSuite } from '../../key/cocktail/suite.js';

/**
 * What one dealer gives to all: a commitment to its polynomial, the proof that it knows the constant term, its
 * ephemeral key, and one encrypted share for every party, itself included.
 * Source: C2SP cocktail-dkg, "Protocol Messages", msg1; the payload is always empty.
 */
export interface Dealing {
  /** C₀ … C_{needed-1}, one after another. */
  readonly commitment: Uint8Array;
  readonly proof: Uint8Array;
  /** E */
  readonly ephemeralKey: Uint8Array;
  /** The encrypted share of slot j at index j-1, without its frame. */
  readonly ciphertexts: readonly Uint8Array[];
  /** All framed ciphertexts, as sent. */
  readonly ciphertextSection: Uint8Array;
}

/** Length of a dealing in bytes; there is no other. */
function dealingLength(suite: CocktailSuite, quorum: Quorum): number {
  const { elementByteLength } = suite.group;
  return (
    quorum.needed * elementByteLength +
    suite.signatureLength +
    elementByteLength +
    quorum.of * frameLength(suite)
  );
}

/** Length of an encrypted share in bytes. */
function ciphertextLength(suite: CocktailSuite): number {
  return suite.group.scalars.byteLength + TAG_LENGTH;
}

function frameLength(suite: CocktailSuite): number {
  return 8 + ciphertextLength(suite);
}

/**
 * Splits a dealing into its fields, which are views of it. Elements stay encoded.
 * @returns `undefined` unless the number of coefficients, the number of frames and every length are exactly those of
 * the quorum: one coefficient more would raise the quorum in silence
 */
export function parseDealing(suite: CocktailSuite, quorum: Quorum, bytes: Uint8Array): Dealing | undefined {
  if (bytes.length !== dealingLength(suite, quorum)) return undefined;
  const { elementByteLength } = suite.group;
  const proofAt = quorum.needed * elementByteLength;
  const ephemeralAt = proofAt + suite.signatureLength;
  const sectionAt = ephemeralAt + elementByteLength;
  const ciphertextSection = bytes.subarray(sectionAt);
  const ciphertexts = splitFrames(suite, ciphertextSection);
  if (ciphertexts === undefined) return undefined;
  return {
    commitment: bytes.subarray(0, proofAt),
    proof: bytes.subarray(proofAt, ephemeralAt),
    ephemeralKey: bytes.subarray(ephemeralAt, sectionAt),
    ciphertexts,
    ciphertextSection,
  };
}

function splitFrames(suite: CocktailSuite, section: Uint8Array): Uint8Array[] | undefined {
  const length = ciphertextLength(suite);
  const prefix = uint64be(length);
  const ciphertexts: Uint8Array[] = [];
  for (let at = 0; at < section.length; at += 8 + length) {
    if (prefix.some((byte, i) => section[at + i] !== byte)) return undefined;
    ciphertexts.push(section.subarray(at + 8, at + 8 + length));
  }
  return ciphertexts;
}

/** The dealer's public half of round 0, which the commitment of that round hides. */
export interface DealerOpening {
  /** C₀ … C_{needed-1}, one after another. */
  readonly commitment: Uint8Array;
  readonly ephemeralKey: Uint8Array;
}

/** Commits to the polynomial and makes the ephemeral key. */
export function openDealer(suite: CocktailSuite, secrets: RunSecrets): DealerOpening {
  const { group } = suite;
  const elements = feldmanCommit(group, secrets.coefficients);
  return {
    commitment: concatBytes(...elements.map((element) => group.encode(element))),
    ephemeralKey: group.encode(group.mulBase(secrets.ephemeral)),
  };
}

/**
 * d·P of every party, one after another: the half of each pair's secret that is the same in both directions, so that
 * what was computed to deal serves again to receive. Secret.
 * @param staticKeys encoded, in order of slots; that of `me` is d·G, and without `me` none of them is
 * @throws EncodingError `ELEMENT_INVALID`
 */
export function staticPointsOf(
  { group }: CocktailSuite,
  staticSecret: SecretScalar,
  staticKeys: readonly Uint8Array[],
  me: PartyIndex | null,
): Uint8Array {
  const agreement = group.agree(staticSecret);
  try {
    const pointWith = (key: Uint8Array, i: number) =>
      i + 1 === me ? agreement.pointWithOwn(staticSecret) : agreement.pointWith(key);
    return concatBytes(...staticKeys.map(pointWith));
  } finally {
    agreement.end();
  }
}

/** What a dealer needs to deal. */
export interface DealerInput {
  readonly secrets: RunSecrets;
  readonly opening: DealerOpening;
  /** Whose of the static keys the dealer's own is; null where it deals to others only. */
  readonly me: PartyIndex | null;
  readonly staticSecret: SecretScalar;
  /** staticSecret·G, encoded. */
  readonly senderKey: Uint8Array;
  /** Of all who receive a share: encoded, in order of slots. */
  readonly staticKeys: readonly Uint8Array[];
  /** From {@link staticPointsOf}. */
  readonly staticPoints: Uint8Array;
  readonly context: Uint8Array;
}

/**
 * Makes a dealing.
 * Secrecy: key and nonce of each ciphertext follow from the ephemeral secret and the context, so that the same
 * secrets may be dealt again only with the same polynomial and context, or with another context.
 */
export function createDealing(suite: CocktailSuite, input: DealerInput): Uint8Array {
  const { commitment, ephemeralKey } = input.opening;
  const proof = signCocktail(
    suite,
    {
      secret: input.secrets.coefficients[0]!,
      publicKey: commitment.subarray(0, suite.group.elementByteLength),
    },
    concatBytes(input.context, commitment, ephemeralKey),
    input.secrets.hedge,
  );
  const agreement = suite.group.agree(input.secrets.ephemeral);
  try {
    const frames = input.staticKeys.map((_, i) => sealShare(suite, input, agreement, i));
    return concatBytes(commitment, proof, ephemeralKey, ...frames);
  } finally {
    agreement.end();
  }
}

function sealShare(suite: CocktailSuite, input: DealerInput, agreement: Agreement, i: number): Uint8Array {
  const share = evaluatePolynomial(suite.group, input.secrets.coefficients, i + 1);
  const ephemeralPoint =
    i + 1 === input.me
      ? agreement.pointWithOwn(input.staticSecret)
      : agreement.pointWith(input.staticKeys[i]!);
  const { key, nonce } = suite.deriveKeyAndNonce({
    ephemeralPoint,
    staticPoint: pointAt(suite, input.staticPoints, i),
    ephemeralKey: input.opening.ephemeralKey,
    senderKey: input.senderKey,
    receiverKey: input.staticKeys[i]!,
    context: input.context,
  });
  const ciphertext = suite.aead.seal(key, nonce, share);
  for (const spent of [ephemeralPoint, share, key, nonce]) spent.fill(0);
  return concatBytes(uint64be(ciphertext.length), ciphertext);
}

/** The point of one party among those of {@link staticPointsOf}; a view. */
export function pointAt({ group }: CocktailSuite, points: Uint8Array, i: number): Uint8Array {
  return points.subarray(i * group.elementByteLength, (i + 1) * group.elementByteLength);
}
