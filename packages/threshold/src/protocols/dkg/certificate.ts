import { concatBytes, encodeUtf8, EncodingError, equalBytes, PeerFaultError } from '@ckm/foundation';
import { taggedHash } from '../../hash/index.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint16be, uint8 } from '../../protocol/layout.js';
import { MOST_PARTIES, parsePartyIndex } from '../../sharing/index.js';
import type { KeyShare, PublicKeyPackage } from '../key.js';
import { verifyCocktail } from './cocktail-signature.js';
import {
  type CommitMessage,
  type DkgMessage,
  type ShareMessage,
  decodeRound,
  frameMessage,
  isOfRound,
  MAX_MESSAGE_BYTES,
} from './messages.js';
import {
  encodeKeyParams,
  isBytes,
  type KeyParams,
  MAX_PARAMS_BYTES,
  parseKeyParams,
  suiteLengths,
} from './params.js';
import { verifyRoster } from './roster.js';
import { assertFirstEpoch } from './round-0-commit.js';
import { type Result, resultOf } from './run.js';
import { cocktailSuite } from './suite.js';

/**
 * The proof that a key exists and that all its servers agree on it, and the data from which each of them can recover
 * its share. Public, and the same at every server. A key without its certificate cannot be used.
 */
export interface KeyCertificate {
  readonly params: KeyParams;
  /** All in order of slots. */
  readonly round0: readonly DkgMessage[];
  readonly round1: readonly DkgMessage[];
  /** Of the transcript, by every static key. */
  readonly signatures: readonly Uint8Array[];
}

/** What a party has when a key was generated. */
export interface DkgOutput {
  readonly share: KeyShare;
  readonly certificate: KeyCertificate;
}

/** Longest encoding of a certificate. */
export const MAX_CERTIFICATE_BYTES = 8 + MAX_PARAMS_BYTES + MOST_PARTIES * (8 + 2 * MAX_MESSAGE_BYTES + 65);
const WHAT = 'a key certificate';
const LAYOUT_VERSION = 1;

/**
 * The canonical bytes of a certificate.
 * @throws EncodingError `LAYOUT_INVALID`, or as `encodeKeyParams`
 */
export function encodeCertificate({ params, round0, round1, signatures }: KeyCertificate): Uint8Array {
  return concatBytes(
    uint8(LAYOUT_VERSION),
    block(encodeKeyParams(params)),
    ...round0.map(frameMessage),
    ...round1.map(frameMessage),
    ...signatures,
  );
}

/**
 * Reads what {@link encodeCertificate} wrote, and nothing else. Proves nothing: see {@link verifyCertificate}.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, or as `parseKeyParams`
 */
export function parseCertificate(bytes: Uint8Array): KeyCertificate {
  const reader = readLayout(bytes, WHAT, MAX_CERTIFICATE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const params = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const many = <T>(read: () => T): T[] => Array.from({ length: params.quorum.of }, read);
  const round0 = many(() => decodeRound(0, reader.block(MAX_MESSAGE_BYTES)));
  const round1 = many(() => decodeRound(1, reader.block(MAX_MESSAGE_BYTES)));
  const signatures = many(() => reader.bytes(suiteLengths(params.suite).signature));
  reader.end();
  return { params, round0, round1, signatures };
}

/**
 * Checks a certificate from scratch: roster, openings, lengths, proofs, distinctness, and all n signatures over the
 * transcript, which is made anew from the messages. What it returns is all that may be believed about the key.
 * @throws PeerFaultError with the code of the fault and `facts.culprits`; `FAULT_SESSION` for a dealing of another run
 * · EncodingError `CERTIFICATE_INVALID` for a list or message of the wrong shape, or as `verifyRoster`
 */
export function verifyCertificate(certificate: KeyCertificate): PublicKeyPackage {
  return checkCertificate(certificate).key.public;
}

/** As {@link verifyCertificate}; also gives what recovery needs. */
export function checkCertificate(certificate: KeyCertificate): Result {
  const { params, signatures } = certificate;
  verifyRoster(params);
  assertFirstEpoch(params);
  const { of } = params.quorum;
  if ([certificate.round0, certificate.round1, signatures].some((list) => list.length !== of)) {
    throw certificateInvalid();
  }
  const round0 = certificate.round0.filter(isOfRound(0));
  const round1 = certificate.round1.filter(isOfRound(1));
  const isSignature = (signature: Uint8Array) => isBytes(signature, suiteLengths(params.suite).signature);
  if (round0.length !== of || round1.length !== of || !signatures.every(isSignature))
    throw certificateInvalid();
  const result = checkRun({ params, round0, round1, signatures });
  if ('code' in result) throw faultError(result);
  return result;
}

/** A run as far as everybody can see it. */
interface SeenRun {
  readonly params: KeyParams;
  readonly round0: readonly CommitMessage[];
  readonly round1: readonly ShareMessage[];
  /** `null`: nobody has signed yet. */
  readonly signatures: readonly Uint8Array[] | null;
}

/** Every check that needs no secret, in the order of the rounds. */
function checkRun({ params, round0, round1, signatures }: SeenRun): Result | Fault {
  const result = resultOf(params, round0, round1);
  if ('code' in result) return result;
  const strangers = round1.flatMap(({ sessionId }, i) =>
    equalBytes(sessionId, result.sessionId) ? [] : [(i + 1) as PartyIndex],
  );
  if (strangers.length > 0) return { code: 'FAULT_SESSION', round: 1, culprits: strangers };
  const culprits = signatures === null ? [] : wrongSignatures(params, result.transcript, signatures);
  return culprits.length > 0 ? { code: 'FAULT_SIGNATURE_INVALID', round: 2, culprits } : result;
}

/**
 * What anybody who has the messages of a run can hold against its parties, or `null`: for whoever is told that a party
 * is at fault and wants to see for himself. The roster was checked before; what only a receiver of shares can see is
 * not looked at.
 * @param params checked with `verifyRoster`
 * @param messages of each round, in order of slots; a round that is not whole is left out, with all that follow
 * @returns the first fault with all its culprits, or a `RETRY_…` that blames nobody
 */
export function findPublicFault(
  params: KeyParams,
  messages: readonly (readonly DkgMessage[])[],
): Fault | null {
  const whole = (round: number) => messages[round]?.length === params.quorum.of;
  for (const round of [0, 1, 2] as const) {
    if (!whole(round)) break;
    const culprits = messages[round]!.flatMap((message, i) =>
      isOfRound(round)(message) ? [] : [(i + 1) as PartyIndex],
    );
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
  }
  if (!whole(0) || !whole(1)) return null;
  const checked = checkRun({
    params,
    round0: messages[0]!.filter(isOfRound(0)),
    round1: messages[1]!.filter(isOfRound(1)),
    signatures: whole(2) ? messages[2]!.filter(isOfRound(2)).map(({ signature }) => signature) : null,
  });
  return 'code' in checked ? checked : null;
}

/** The slots whose signature of the transcript does not hold. @param signatures in order of slots */
export function wrongSignatures(
  params: KeyParams,
  transcript: Uint8Array,
  signatures: readonly Uint8Array[],
): readonly PartyIndex[] {
  const suite = cocktailSuite(params.suite);
  return params.roster
    .filter(({ staticKey }, i) => !verifyCocktail(suite, staticKey, transcript, signatures[i]!))
    .map((entry) => entry.slot);
}

/** Names a certificate by 32 bytes: what a server acknowledges to have stored. */
export function certificateHash(certificate: KeyCertificate): Uint8Array {
  return taggedHash('CKM/dkg/certificate/v1', encodeCertificate(certificate));
}

/**
 * What the identity key of a server signs once the certificate is stored durably. A key receives value only after
 * every server has acknowledged the same hash.
 * @param hash from {@link certificateHash}
 * @throws EncodingError `PARTY_INDEX_INVALID`, `LAYOUT_INVALID`
 */
export function recoveryAckStatement(slot: PartyIndex, hash: Uint8Array): Uint8Array {
  parsePartyIndex(slot);
  if (!isBytes(hash, 32)) throw layoutInvalid('the hash of a certificate');
  return concatBytes(
    encodeUtf8('CKM recovery acknowledgement v1'),
    taggedHash('CKM/dkg/recovery-ack/v1', uint16be(slot), hash),
  );
}

function certificateInvalid(): EncodingError {
  return new EncodingError('the certificate of a key is not whole', {
    code: 'CERTIFICATE_INVALID',
    hint: 'fetch it from another server',
  });
}

/** A fault as an error, for callers who are shown a certificate instead of taking part in a run. */
export function faultError({ code, culprits }: Fault): PeerFaultError {
  const who = culprits.length === 0 ? 'nobody in particular' : `slot ${culprits.join(', ')}`;
  return new PeerFaultError(`the certificate of a key does not hold (${code}, ${who})`, {
    code,
    hint: 'fetch it from another server; if it is the same there, do not use this key',
    facts: { culprits },
  });
}
