import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { taggedHash } from '../../hash/index.js';
import { uint16be, uint32le, uint64le } from '../../protocol/layout.js';
import type { Quorum } from '../../sharing/index.js';
import type { DealerOpening, Dealing } from './dealing.js';
import type { CommitMessage } from './messages.js';
import type { CocktailSuite } from '../../key/cocktail/suite.js';

/**
 * What a party posts in round 0: a commitment to its polynomial and ephemeral key, so that nobody can choose his own
 * after having seen another's. The slot inside stops a copy.
 */
export function hashOpening(
  params: Uint8Array,
  slot: number,
  nonce: Uint8Array,
  opening: DealerOpening,
  salt: Uint8Array,
): Uint8Array {
  return taggedHash(
    'CKM/dkg/commitment/v1',
    params,
    uint16be(slot),
    nonce,
    opening.commitment,
    opening.ephemeralKey,
    salt,
  );
}

/**
 * The session id: hash of what every party posted in round 0, so that no party that is honest runs two sessions with
 * one id, and nobody chooses it. It is also the echo of round 0.
 * @param round0 in order of slots
 */
export function hashSession(params: Uint8Array, round0: readonly CommitMessage[]): Uint8Array {
  const posted = round0.map(({ nonce, commitment }, i) => concatBytes(uint16be(i + 1), nonce, commitment));
  return taggedHash('CKM/dkg/session/v1', params, ...posted);
}

/**
 * The application extension of the transcript. Without all ciphertexts inside, the certificate would say nothing about
 * whether shares can be recovered from what was archived.
 */
export function transcriptExtension(params: Uint8Array, dealings: readonly Dealing[]): Uint8Array {
  return concatBytes(uint32le(1), params, hashCiphertexts(dealings));
}

/** All encrypted shares of a run, in the order of the dealings. */
export function hashCiphertexts(dealings: readonly Pick<Dealing, 'ciphertextSection'>[]): Uint8Array {
  return taggedHash('CKM/dkg/ciphertexts/v1', ...dealings.map((dealing) => dealing.ciphertextSection));
}

/** What the transcript of a run is made of. */
export interface TranscriptInput {
  readonly context: Uint8Array;
  readonly quorum: Quorum;
  /** Encoded, in order of slots. */
  readonly staticKeys: readonly Uint8Array[];
  readonly dealings: readonly Pick<Dealing, 'commitment' | 'proof' | 'ephemeralKey'>[];
  readonly extension: Uint8Array;
}

/**
 * T: the bytes that every party signs. Source: C2SP cocktail-dkg, "Round 3: Certification"
 */
export function encodeTranscript(suite: CocktailSuite, input: TranscriptInput): Uint8Array {
  const id = encodeUtf8(suite.id);
  return concatBytes(
    uint64le(id.length),
    id,
    uint64le(input.context.length),
    input.context,
    uint32le(input.quorum.of),
    uint32le(input.quorum.needed),
    ...input.staticKeys,
    ...input.dealings.map((dealing) => dealing.commitment),
    ...input.dealings.map((dealing) => dealing.proof),
    ...input.dealings.map((dealing) => dealing.ephemeralKey),
    uint64le(input.extension.length),
    input.extension,
  );
}

/** The echo of rounds 0 and 1, sent with the signature: tells another view from a bad signature. */
export function hashView(
  sessionId: Uint8Array,
  transcript: Uint8Array,
  salts: readonly Uint8Array[],
): Uint8Array {
  return taggedHash('CKM/dkg/view/v1', sessionId, transcript, ...salts);
}

/** What a chain code is made of; all of it fixed by what was posted in round 0. */
export interface ChainCodeInput {
  readonly suiteName: string;
  readonly sessionId: Uint8Array;
  /** Of every dealer, in order of slots. */
  readonly openings: readonly (DealerOpening & { readonly salt: Uint8Array })[];
}

/**
 * Chain code of a key: from what every dealer committed to before he saw anything of another. Of a transcript he could
 * choose: its last dealer makes as many proofs and ciphertexts as he likes, all of them valid, until its hash pleases him.
 */
export function hashChainCode({ suiteName, sessionId, openings }: ChainCodeInput): Uint8Array {
  return taggedHash(
    'CKM/dkg/chain-code/v2',
    encodeUtf8(suiteName),
    sessionId,
    ...openings.map(({ commitment }) => commitment),
    ...openings.map(({ ephemeralKey }) => ephemeralKey),
    ...openings.map(({ salt }) => salt),
  );
}
