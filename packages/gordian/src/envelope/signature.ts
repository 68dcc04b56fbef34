import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { equalBytes, reveal } from '@ckm/foundation';
import { cbor, MAJOR, taggedValue, type Cbor } from '../cbor/dcbor.js';
import type { Identity } from '../identity/identity.js';
import type { SigningPublicKey } from '../identity/public-keys.js';
import { primitives } from '../primitives/runtime.js';
import { withAssertion, knownValue, leaf, wrap, type Envelope } from './envelope.js';
import { KNOWN } from './known-values.js';
import { leafItem, objectFor, objectsFor, subjectOf, unwrap } from './queries.js';
import { TAG } from '../cbor/tags.js';

interface Signature {
  readonly scheme: SigningPublicKey['scheme'];
  readonly bytes: Uint8Array;
}

/** Signs the subject: 'signed': 40020([2, Ed25519 over the subject's digest]). Other assertions stay outside. */
export function signSubject(envelope: Envelope, signer: Identity): Envelope {
  const digest = subjectOf(envelope).digest;
  const bytes = primitives.ed25519Sign(digest, reveal(signer.signingKey, 'sign an envelope'));
  return withAssertion(
    envelope,
    knownValue(KNOWN.signed),
    leaf(taggedValue(TAG.signature, cbor([cbor(2), cbor(bytes)]))),
  );
}

/** Signs the whole envelope, assertions included, by wrapping it first. */
export function signEnvelope(envelope: Envelope, signer: Identity): Envelope {
  return signSubject(wrap(envelope), signer);
}

/**
 * Whether the subject carries a signature by `key`. Signatures of other people, of unknown kinds, or hidden ones do
 * not count either way. Source: bc-envelope-rust, src/extension/signature/signature_impl.rs.
 */
export function isSignedBy(envelope: Envelope, key: SigningPublicKey): boolean {
  const digest = subjectOf(envelope).digest;
  return objectsFor(envelope, KNOWN.signed).some((object) => isSignatureObject(object, digest, key));
}

/** What was signed as a whole, or `null` when `key` did not sign it. */
export function verifiedContent(envelope: Envelope, key: SigningPublicKey): Envelope | null {
  return subjectOf(envelope).kind === 'wrapped' && isSignedBy(envelope, key) ? unwrap(envelope) : null;
}

/** A signature, or a wrapped signature with metadata that the same key signed once more. */
function isSignatureObject(object: Envelope, digest: Uint8Array, key: SigningPublicKey): boolean {
  const subject = subjectOf(object);
  if (subject.kind !== 'wrapped') return isSignatureBy(signatureIn(subject), digest, key);
  const outer = objectFor(object, KNOWN.signed);
  if (outer === null || !isSignatureBy(signatureIn(subjectOf(outer)), subject.digest, key)) return false;
  return isSignatureBy(signatureIn(subjectOf(subject.envelope)), digest, key);
}

function signatureIn(envelope: Envelope): Signature | null {
  return envelope.kind === 'leaf' ? signatureFrom(leafItem(envelope)) : null;
}

function signatureFrom(item: Cbor): Signature | null {
  if (item.type !== MAJOR.tag || item.tag !== TAG.signature) return null;
  const content = item.value;
  if (content.type === MAJOR.bytes) return { scheme: 'schnorr', bytes: content.value };
  if (content.type !== MAJOR.array || content.value.length !== 2) return null;
  const [kind, bytes] = content.value;
  if (kind!.type !== MAJOR.unsigned || bytes!.type !== MAJOR.bytes) return null;
  if (kind!.value === 1) return { scheme: 'ecdsa', bytes: bytes!.value };
  return kind!.value === 2 ? { scheme: 'ed25519', bytes: bytes!.value } : null;
}

function isSignatureBy(signature: Signature | null, digest: Uint8Array, key: SigningPublicKey): boolean {
  if (signature === null || signature.scheme !== key.scheme || signature.bytes.length !== 64) return false;
  if (key.scheme === 'ed25519') return primitives.ed25519Verify(signature.bytes, digest, key.bytes);
  try {
    if (key.scheme === 'schnorr') return schnorr.verify(signature.bytes, digest, key.bytes);
    // The reference hashes twice more before ECDSA, and nothing before the other two.
    const hashed = primitives.sha256(primitives.sha256(digest));
    return secp256k1.verify(signature.bytes, hashed, key.bytes, { prehash: false, lowS: true });
  } catch {
    return false;
  }
}

/** Whether two envelopes say the same, hidden parts included. */
export function isEquivalent(a: Envelope, b: Envelope): boolean {
  return equalBytes(a.digest, b.digest);
}
