import { concatBytes, EncodingError, PeerFaultError } from '@ckm/foundation';
import type { Fault } from '../../protocol/contract.js';
import { block, layoutInvalid, type LayoutReader, readLayout, uint8 } from '../../protocol/layout.js';
import { checkRun } from '../../protocols/dkg/check-run.js';
import { decodeRound, frameMessage, isOfRound, MAX_MESSAGE_BYTES } from '../../protocols/dkg/messages.js';
import type { GenerationCertificate } from '../../protocols/dkg/output.js';
import { assertNewKey, type Result } from '../../protocols/dkg/run.js';
import { MOST_PARTIES } from '../../sharing/index.js';
import { encodeKeyParams, isBytes, MAX_PARAMS_BYTES, parseKeyParams, suiteLengths } from '../params.js';
import type { PublicKeyPackage } from '../public-package.js';
import { verifyRoster } from '../roster.js';
import { hashTranscript } from '../transcript-hash.js';
import { encodeKind, parseKind } from './kind.js';

/**
 * The proof that an epoch of a key exists and that all its servers agree on it. A key without its certificate cannot
 * be used. What it proves is named by the transcript hash; readers branch on `kind`, and a kind they do not know is refused.
 */
export type KeyCertificate = GenerationCertificate;

/** What may be believed of a key whose certificate holds. */
export interface VerifiedKey {
  /** 32 bytes: names this epoch of the key everywhere, whoever made which of the signatures. */
  readonly transcriptHash: Uint8Array;
  readonly public: PublicKeyPackage;
}

/** Longest encoding of a certificate. */
export const MAX_CERTIFICATE_BYTES = 16 + MAX_PARAMS_BYTES + MOST_PARTIES * (8 + 2 * MAX_MESSAGE_BYTES + 65);
const WHAT = 'a key certificate';
const LAYOUT_VERSION = 1;

/**
 * The canonical bytes of a certificate.
 * @throws EncodingError `LAYOUT_INVALID`, or as `encodeKeyParams`
 */
export function encodeCertificate(certificate: KeyCertificate): Uint8Array {
  const { kind, params, round0, round1, signatures } = certificate;
  return concatBytes(
    uint8(LAYOUT_VERSION),
    encodeKind(kind),
    block(encodeKeyParams(params)),
    ...round0.map(frameMessage),
    ...round1.map(frameMessage),
    ...signatures,
  );
}

/**
 * Reads what {@link encodeCertificate} wrote, and nothing else. Proves nothing: see {@link verifyCertificate}.
 * @throws EncodingError `CERTIFICATE_KIND_UNKNOWN`, `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, or as `parseKeyParams`
 */
export function parseCertificate(bytes: Uint8Array): KeyCertificate {
  const reader = readLayout(bytes, WHAT, MAX_CERTIFICATE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  parseKind(reader.uint8(), 'generation');
  return readGeneration(reader);
}

function readGeneration(reader: LayoutReader): GenerationCertificate {
  const params = parseKeyParams(reader.block(MAX_PARAMS_BYTES));
  const many = <T>(read: () => T): T[] => Array.from({ length: params.quorum.of }, read);
  const round0 = many(() => decodeRound(0, reader.block(MAX_MESSAGE_BYTES)));
  const round1 = many(() => decodeRound(1, reader.block(MAX_MESSAGE_BYTES)));
  const signatures = many(() => reader.bytes(suiteLengths(params.suite).signature));
  reader.end();
  return { kind: 'generation', params, round0, round1, signatures };
}

/**
 * Checks a certificate from scratch: roster, openings, lengths, proofs, distinctness, and all n signatures over the
 * transcript, which is made anew from the messages. What it returns is all that may be believed about the key, its name
 * included: of a certificate that was not checked, nothing has a name.
 * @throws PeerFaultError with the code of the fault and `facts.culprits`; `FAULT_SESSION` for a dealing of another run
 * · EncodingError `CERTIFICATE_INVALID` for a list or message of the wrong shape, or as `verifyRoster`
 */
export function verifyCertificate(certificate: KeyCertificate): VerifiedKey {
  const { transcript, key } = checkCertificate(certificate);
  return { transcriptHash: hashTranscript(transcript), public: key.public };
}

/** As {@link verifyCertificate}; also gives what recovery needs. */
export function checkCertificate(certificate: KeyCertificate): Result {
  const { params, signatures } = certificate;
  verifyRoster(params);
  assertNewKey(params);
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
