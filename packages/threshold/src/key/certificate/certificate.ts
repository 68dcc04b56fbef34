import { concatBytes, EncodingError, PeerFaultError } from '@ckm/foundation';
import type { Fault } from '../../protocol/contract.js';
import { block, layoutInvalid, type LayoutReader, readLayout, uint8 } from '../../protocol/layout.js';
import { checkRun } from '../../protocols/dkg/check-run.js';
import { decodeRound, frameMessage, isOfRound, MAX_MESSAGE_BYTES } from '../../protocols/dkg/messages.js';
import type { GenerationCertificate } from '../../protocols/dkg/output.js';
import { assertNewKey, type Result } from '../../protocols/dkg/run.js';
import { encodeImportDeal, MAX_IMPORT_DEAL_BYTES, parseImportDeal } from '../../protocols/import/deal.js';
import type { ImportCertificate } from '../../protocols/import/output.js';
import { type ImportResult, importResult } from '../../protocols/import/session.js';
import { MOST_PARTIES } from '../../sharing/index.js';
import {
  encodeKeyParams,
  isBytes,
  type KeyParams,
  MAX_PARAMS_BYTES,
  parseKeyParams,
  suiteLengths,
} from '../params.js';
import type { KeyShare, PublicKeyPackage } from '../public-package.js';
import { verifyRoster, wrongSignatures } from '../roster.js';
import { hashTranscript } from '../transcript-hash.js';
import { encodeKind, parseKind } from './kind.js';

/**
 * The proof that the first epoch of a key exists and that all its servers agree on it. A key without its certificate cannot
 * be used. What it proves is named by the transcript hash; readers branch on `kind`, and a kind they do not know is refused.
 */
export type KeyCertificate = GenerationCertificate | ImportCertificate;

/** What a server has of the first epoch of a key, whatever made it. */
export interface KeyOutput {
  readonly share: KeyShare;
  readonly certificate: KeyCertificate;
  /** 32 bytes: what names this epoch of the key everywhere. */
  readonly transcriptHash: Uint8Array;
}

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
  const { kind, signatures } = certificate;
  const made =
    kind === 'import'
      ? [block(encodeImportDeal(certificate))]
      : [
          block(encodeKeyParams(certificate.params)),
          ...certificate.round0.map(frameMessage),
          ...certificate.round1.map(frameMessage),
        ];
  return concatBytes(uint8(LAYOUT_VERSION), encodeKind(kind), ...made, ...signatures);
}

/**
 * Reads what {@link encodeCertificate} wrote, and nothing else. Proves nothing: see {@link verifyCertificate}.
 * @throws EncodingError `CERTIFICATE_KIND_UNKNOWN`, `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, or as `parseKeyParams`
 */
export function parseCertificate(bytes: Uint8Array): KeyCertificate {
  const reader = readLayout(bytes, WHAT, MAX_CERTIFICATE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  return parseKind(reader.uint8(), 'generation', 'import') === 'import'
    ? readImport(reader)
    : readGeneration(reader);
}

function readImport(reader: LayoutReader): ImportCertificate {
  const deal = parseImportDeal(reader.block(MAX_IMPORT_DEAL_BYTES));
  const { suite, quorum } = deal.params;
  const signatures = Array.from({ length: quorum.of }, () => reader.bytes(suiteLengths(suite).signature));
  reader.end();
  return { kind: 'import', ...deal, signatures };
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
function checkCertificate(certificate: KeyCertificate): Result | ImportResult {
  return certificate.kind === 'import' ? checkImport(certificate) : checkGeneration(certificate);
}

export function checkGeneration(certificate: GenerationCertificate): Result {
  const { params, signatures } = certificate;
  verifyRoster(params);
  assertNewKey(params);
  const { of } = params.quorum;
  if ([certificate.round0, certificate.round1].some((list) => list.length !== of)) throw certificateInvalid();
  assertSignatures(params, signatures);
  const round0 = certificate.round0.filter(isOfRound(0));
  const round1 = certificate.round1.filter(isOfRound(1));
  if (round0.length !== of || round1.length !== of) throw certificateInvalid();
  const result = checkRun({ params, round0, round1, signatures });
  if ('code' in result) throw faultError(result);
  return result;
}

export function checkImport(certificate: ImportCertificate): ImportResult {
  const { params, signatures } = certificate;
  encodeImportDeal(certificate);
  verifyRoster(params);
  assertSignatures(params, signatures);
  const result = importResult(certificate);
  if ('code' in result) throw faultError(result);
  const culprits = wrongSignatures(params, result.transcript, signatures);
  if (culprits.length > 0) throw faultError({ code: 'FAULT_SIGNATURE_INVALID', round: 0, culprits });
  return result;
}

function assertSignatures({ suite, quorum }: KeyParams, signatures: readonly Uint8Array[]): void {
  const { signature: length } = suiteLengths(suite);
  const areWhole = signatures.length === quorum.of && signatures.every((one) => isBytes(one, length));
  if (!areWhole) throw certificateInvalid();
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
