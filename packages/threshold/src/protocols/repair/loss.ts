import {
  AccessError,
  concatBytes,
  EncodingError,
  encodeUtf8,
  equalBytes,
  type Secret,
  secret,
} from '@ckm/foundation';
import { type PublicEpoch, certifiedEntry, groupOfEpoch } from '../../key/certified-epoch.js';
import { deriveSecretScalar } from '../../key/cocktail/secret-scalar.js';
import type { SuiteName } from '../../key/cocktail/suite-name.js';
import { verifyIdentitySignature } from '../../key/identity-signature.js';
import { isBytes, isEpoch, suiteLengths } from '../../key/params.js';
import { assertSeed } from '../../key/static-key.js';
import { taggedHash, taggedHash64 } from '../../hash/index.js';
import type { Element } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { layoutInvalid, readLayout, uint16be, uint32be, uint8 } from '../../protocol/layout.js';
import { proveKnowledge, verifyKnowledge } from '../../proofs/index.js';
import { firstHalf } from './secrets.js';

/** What a server says when it has lost its share: which one, and under which fresh key it can be given back. Public. */
export interface Loss {
  /** 32 bytes */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  /** 32 bytes */
  readonly transcriptHash: Uint8Array;
  /** Its own, in this epoch. */
  readonly slot: PartyIndex;
  /** 32 bytes, fresh: its part of the session's id. */
  readonly nonce: Uint8Array;
  /** An element of the suite's group, made for this statement alone. */
  readonly sealingKey: Uint8Array;
  /** That its secret is known. */
  readonly sealingProof: Uint8Array;
}

/** A {@link Loss} with the word of the server's identity. */
export interface LossStatement extends Loss {
  /** Ed25519, 64 bytes, over {@link lossStatement}. */
  readonly signature: Uint8Array;
}

const LAYOUT_VERSION = 1;
const WHAT = 'the statement of a loss';
/** Longest encoding of a {@link LossStatement}. */
export const MAX_LOSS_BYTES = 1 + 32 + 4 + 32 + 2 + 32 + 33 + 65 + 64;

/**
 * Says that a slot's share is lost, under a fresh sealing key. Made by the act of the server's operator, never by itself.
 * @param seed 32 fresh secret bytes; the same seed gives the same statement
 * @returns the secret that opens what the helpers send, kept sealed until the share is there and wiped then
 * @throws UsageError `SEED_INVALID` · EncodingError `PARTY_INDEX_INVALID`, `PARTY_UNKNOWN`
 */
export function createLoss(
  key: PublicEpoch,
  slot: PartyIndex,
  seed: Uint8Array,
): { readonly sealingSecret: Secret<Uint8Array>; readonly loss: Loss } {
  assertSeed(seed);
  certifiedEntry(key, slot);
  const group = groupOfEpoch(key);
  const { keyId, epoch } = key.params;
  const { transcriptHash } = key;
  const expand = (label: string, counter: Uint8Array = new Uint8Array()) =>
    taggedHash64('CKM/repair/loss-seed/v1', seed, transcriptHash, uint16be(slot), encodeUtf8(label), counter);
  const scalar = deriveSecretScalar(group, (counter) => expand('sealing key', counter));
  const element = group.mulBase(scalar);
  const half = (label: string) => firstHalf(expand(label));
  const nonce = half('nonce');
  const scope = { keyId, epoch, transcriptHash, slot, nonce };
  const hedge = half('hedge');
  const sealingProof = proveKnowledge(group, proofStatement(scope, element), scalar, hedge);
  hedge.fill(0);
  const loss = { ...scope, sealingKey: group.encode(element), sealingProof };
  return { sealingSecret: secret<Uint8Array>(scalar), loss };
}

/** The bytes that the identity of the server signs: words that a person can read, and a hash. */
export function lossStatement({ sealingKey, sealingProof, ...scope }: Loss): Uint8Array {
  return concatBytes(
    encodeUtf8('CKM loss statement v1: I have lost my share'),
    taggedHash('CKM/repair/loss/v1', ...scopeItems(scope), sealingKey, sealingProof),
  );
}

/**
 * Believes a statement only of the server that the certificate names: this very key, epoch and transcript, a slot of the
 * roster, signed by the identity certified for it, with a sealing key whose secret is known. To anybody else the share
 * would be handed out.
 * @throws EncodingError `LAYOUT_INVALID`, `PARTY_INDEX_INVALID`, `PARTY_UNKNOWN` · AccessError `LOSS_STATEMENT_INVALID`
 */
export function verifyLoss(key: PublicEpoch, loss: LossStatement): void {
  if (!isWellFormed(key.params.suite, loss)) throw layoutInvalid(WHAT);
  const { identityKey } = certifiedEntry(key, loss.slot);
  const { keyId, epoch } = key.params;
  if (
    !equalBytes(loss.keyId, keyId) ||
    loss.epoch !== epoch ||
    !equalBytes(loss.transcriptHash, key.transcriptHash)
  )
    throw notBelieved('it is of another key or epoch');
  if (!verifyIdentitySignature(identityKey, lossStatement(loss), loss.signature))
    throw notBelieved('the certified identity of the slot did not sign it');
  if (!isProofValid(key, loss)) throw notBelieved('its sealing key is not proved');
}

/** The canonical bytes of a statement. @throws EncodingError `LAYOUT_INVALID` */
export function encodeLoss(suite: SuiteName, loss: LossStatement): Uint8Array {
  if (!isWellFormed(suite, loss)) throw layoutInvalid(WHAT);
  const { sealingKey, sealingProof, signature } = loss;
  return concatBytes(uint8(LAYOUT_VERSION), ...scopeItems(loss), sealingKey, sealingProof, signature);
}

/**
 * Reads what {@link encodeLoss} wrote, and nothing else. Proves nothing: see {@link verifyLoss}.
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`
 */
export function parseLoss(suite: SuiteName, bytes: Uint8Array): LossStatement {
  const reader = readLayout(bytes, WHAT, MAX_LOSS_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const lengths = suiteLengths(suite);
  const loss = {
    keyId: reader.bytes(32),
    epoch: reader.uint32be(),
    transcriptHash: reader.bytes(32),
    slot: reader.uint16be() as PartyIndex,
    nonce: reader.bytes(32),
    sealingKey: reader.bytes(lengths.element),
    sealingProof: reader.bytes(lengths.signature),
    signature: reader.bytes(64),
  };
  reader.end();
  return loss;
}

type Scope = Omit<Loss, 'sealingKey' | 'sealingProof'>;

function scopeItems({ keyId, epoch, transcriptHash, slot, nonce }: Scope): readonly Uint8Array[] {
  return [keyId, uint32be(epoch), transcriptHash, uint16be(slot), nonce];
}

function proofStatement(scope: Scope, publicElement: Element) {
  const context = taggedHash('CKM/repair/sealing-key/v1', ...scopeItems(scope));
  return { context, prover: scope.slot, publicElement };
}

function isProofValid(key: PublicEpoch, loss: Loss): boolean {
  const group = groupOfEpoch(key);
  try {
    const element = group.decode(loss.sealingKey);
    return verifyKnowledge(group, proofStatement(loss, element), loss.sealingProof);
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}

function isWellFormed(suite: SuiteName, loss: LossStatement): boolean {
  if (typeof loss !== 'object' || loss === null) return false;
  const lengths = suiteLengths(suite);
  return (
    isBytes(loss.keyId, 32) &&
    isEpoch(loss.epoch) &&
    isBytes(loss.transcriptHash, 32) &&
    Number.isInteger(loss.slot) &&
    loss.slot >= 0 &&
    loss.slot <= 0xffff &&
    isBytes(loss.nonce, 32) &&
    isBytes(loss.sealingKey, lengths.element) &&
    isBytes(loss.sealingProof, lengths.signature) &&
    isBytes(loss.signature, 64)
  );
}

function notBelieved(why: string): AccessError {
  return new AccessError(`a server is said to have lost its share, and that is not believed: ${why}`, {
    code: 'LOSS_STATEMENT_INVALID',
    hint: 'ask the operator of that server for a new statement of this epoch',
  });
}
