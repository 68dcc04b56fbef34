import { encodeUtf8, type Secret } from '@ckm/foundation';
import { taggedHash } from '../hash/index.js';
import type { PartyIndex } from '../protocol/contract.js';
import { layoutInvalid, uint16be, uint32be, uint64be } from '../protocol/layout.js';
import { type KnowledgeStatement, proveKnowledge, verifyKnowledge } from '../proofs/index.js';
import {
  type PublicEpoch,
  certifiedEntry,
  certifiedShare,
  groupOfEpoch,
  openCertifiedShare,
} from './certified-epoch.js';
import { isBytes } from './params.js';

/** What whoever checks a key asks of one server: "show that you still hold your share". */
export interface KeyCheckQuestion {
  /** The server's own, in the epoch asked about. */
  readonly slot: PartyIndex;
  /** 32 fresh bytes of whoever asks, used for one question only. */
  readonly challenge: Uint8Array;
  /** Unix time in seconds by the clock of whoever asks; below 2^32. */
  readonly askedAt: number;
}

/**
 * Proof that a server holds its certified share, without using the key for anything: knowledge of x with Y = x·G,
 * R ‖ z, said inside a context of its own that names suite, key, epoch, transcript hash, slot, server, challenge and
 * time of asking.
 *
 * It cannot become a signature, or a part of one. Its one-time scalar is drawn here from `fresh`, share and statement: no
 * signing nonce is read, spent or published. R is chosen before the challenge of the proof is known and goes into it last,
 * so that there is no open half which somebody could complete elsewhere. And that challenge hashes the tag
 * `CKM/schnorr/challenge/v1` first: a signature of any suite hashes R itself first (RFC 9591 §6, RFC 8032 §5.1.7), or the
 * doubled hash of another tag (BIP-340), so that (R, z) fits one only for an R whose encoding is the framed tag, which no
 * honest prover draws. In the random oracle model the proof can be made without the share, so a thousand of them tell no more
 * than that it is there.
 * @param share of the server that answers, as stored
 * @param fresh 32 random bytes, used for this proof only
 * @throws StorageError `SHARE_NOT_CERTIFIED` when the share is not that of the slot asked about · UsageError
 * `RANDOMNESS_INVALID` · EncodingError `LAYOUT_INVALID` for a malformed question, `SCALAR_INVALID`, `PARTY_UNKNOWN`,
 * `PARTY_INDEX_INVALID`
 * Source: Schnorr 1989; design in docs/adr/0038-repair-and-key-checks.md
 */
export function proveShare(
  key: PublicEpoch,
  question: KeyCheckQuestion,
  share: Secret<Uint8Array>,
  fresh: Uint8Array,
): Uint8Array {
  const statement = statementOf(key, question);
  const scalar = openCertifiedShare(key, question.slot, share);
  try {
    return proveKnowledge(groupOfEpoch(key), statement, scalar, fresh);
  } finally {
    scalar.fill(0);
  }
}

/**
 * Whether a server answered this very question with the share that was certified for it. False for anything malformed.
 * @param key of a certificate that was verified
 * @throws EncodingError as {@link proveShare}, for the question alone
 */
export function verifyShareProof(key: PublicEpoch, question: KeyCheckQuestion, proof: Uint8Array): boolean {
  const statement = statementOf(key, question);
  return proof instanceof Uint8Array && verifyKnowledge(groupOfEpoch(key), statement, proof);
}

function statementOf(key: PublicEpoch, question: KeyCheckQuestion): KnowledgeStatement {
  const { slot, challenge, askedAt } = question;
  if (!isBytes(challenge, 32) || !isSeconds(askedAt)) throw layoutInvalid('the question of a key check');
  const { serverId } = certifiedEntry(key, slot);
  const { suite, keyId, epoch } = key.params;
  const context = taggedHash(
    'CKM/key/check/v1',
    encodeUtf8(suite),
    keyId,
    uint32be(epoch),
    key.transcriptHash,
    uint16be(slot),
    serverId,
    challenge,
    uint64be(askedAt),
  );
  return { context, prover: slot, publicElement: certifiedShare(key, slot) };
}

function isSeconds(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff;
}
