import { concatBytes, encodeUtf8, EncodingError, PeerFaultError } from '@ckm/foundation';
import { taggedHash } from '../../hash/index.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint16be, uint8 } from '../../protocol/layout.js';
import { checkRun } from '../../protocols/dkg/check-run.js';
import { decodeRound, frameMessage, isOfRound, MAX_MESSAGE_BYTES } from '../../protocols/dkg/messages.js';
import type { KeyCertificate } from '../../protocols/dkg/output.js';
import { assertFirstEpoch, type Result } from '../../protocols/dkg/run.js';
import { MOST_PARTIES, parsePartyIndex } from '../../sharing/index.js';
import { encodeKeyParams, isBytes, MAX_PARAMS_BYTES, parseKeyParams, suiteLengths } from '../params.js';
import type { PublicKeyPackage } from '../public-package.js';
import { verifyRoster } from '../roster.js';

export type { KeyCertificate } from '../../protocols/dkg/output.js';

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
