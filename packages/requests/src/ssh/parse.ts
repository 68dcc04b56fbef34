import { decodeUtf8 } from '@ckm/foundation';
import { demand, refusal } from '../errors.js';
import type { ByteReader } from '../wire/bytes.js';
import { readPayload } from '../wire/payload.js';
import { SSHSIG_HASHES, type SshsigHash, type SshsigStatement } from './sshsig.js';
import { MAX_CHALLENGE, parseUserauth, type SshLogin } from './userauth.js';

/** An SSH signature (`ssh-keygen -Y sign`). */
export interface SshSignature extends SshsigStatement {
  readonly type: 'signature';
  /** The message whole; `null` when the requester sent only its digest. */
  readonly message: Uint8Array | null;
}

export type SshRequest = SshSignature | SshLogin;

export const SSH_MAX_BYTES = 1_048_576;
/** Second byte of the payload. */
export const SSH_FORMS = { message: 1, digest: 2, login: 3 } as const;
const NAMESPACE = /^[\x21-\x7e]{1,64}$/;
const GIT_NAMESPACE = 'git';

/**
 * Also refuses the namespace of git, whole message or digest: what can be described must not be asked for undescribed.
 * @throws EncodingError `SSH_NAMESPACE_INVALID`, `SSH_NAMESPACE_IS_GIT`
 */
function assertNamespace(namespace: string): void {
  demand(
    NAMESPACE.test(namespace),
    'SSH_NAMESPACE_INVALID',
    'the namespace of the SSH signature is not valid',
  );
  demand(
    namespace !== GIT_NAMESPACE,
    'SSH_NAMESPACE_IS_GIT',
    'commits and tags have a request kind of their own',
  );
}

function parseHash(name: string): SshsigHash {
  if (name === 'sha256' || name === 'sha512') return name;
  throw refusal('SSH_HASH_UNKNOWN', 'the SSH signature wants an unknown hash');
}

/** A signature over a message that is all here; the digest is ours, not the requester's. @throws EncodingError */
export function signatureOverMessage(namespace: string, hashName: string, message: Uint8Array): SshSignature {
  assertNamespace(namespace);
  const hash = parseHash(hashName);
  return { type: 'signature', namespace, hash, digest: SSHSIG_HASHES[hash](message), message };
}

/** A signature over a digest alone: nothing can be said about its message. @throws EncodingError */
export function signatureOverDigest(namespace: string, hashName: string, digest: Uint8Array): SshSignature {
  assertNamespace(namespace);
  const hash = parseHash(hashName);
  demand(
    digest.length === SSHSIG_HASHES[hash].outputLen,
    'PAYLOAD_MALFORMED',
    'the digest has a wrong length',
  );
  demand(
    digest.some((byte) => byte !== 0),
    'SSH_DIGEST_ZERO',
    'the digest is zero: it belongs to no message',
  );
  return { type: 'signature', namespace, hash, digest, message: null };
}

function readSignature(reader: ByteReader, form: number): SshSignature {
  const namespace = asciiText(reader.prefixed(64));
  const hash = asciiText(reader.prefixed(16));
  return form === SSH_FORMS.message
    ? signatureOverMessage(namespace, hash, reader.prefixed(SSH_MAX_BYTES))
    : signatureOverDigest(namespace, hash, reader.prefixed(64));
}

function asciiText(bytes: Uint8Array): string {
  demand(
    bytes.every((byte) => byte < 0x80),
    'SSH_NAMESPACE_INVALID',
    'the SSH signature names something not in ASCII',
  );
  return decodeUtf8(bytes);
}

/**
 * Payload: version 1, form, then what the form needs, each length-prefixed.
 * @throws EncodingError
 */
export function parseSsh(payload: Uint8Array): SshRequest {
  const reader = readPayload(payload, SSH_MAX_BYTES);
  const form = reader.byte();
  if (form === SSH_FORMS.login) {
    const challenge = reader.prefixed(MAX_CHALLENGE);
    reader.end();
    return parseUserauth(challenge);
  }
  demand(
    form === SSH_FORMS.message || form === SSH_FORMS.digest,
    'PAYLOAD_MALFORMED',
    'the request has no known form',
  );
  const signature = readSignature(reader, form);
  reader.end();
  return signature;
}
