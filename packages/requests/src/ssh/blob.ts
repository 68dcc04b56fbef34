import { concatBytes, equalBytes } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64, base64nopad } from '@scure/base';
import { demand } from '../errors.js';
import type { KeyContext, PublicForm } from '../kind.js';
import { lengthPrefixed, readBytes } from '../wire/bytes.js';

export const SSH_ED25519 = 'ssh-ed25519';

/** The public key as SSH writes it (RFC 8709 §4). @throws EncodingError `KEY_MALFORMED` unless 32 bytes. */
export function sshPublicKeyBlob(groupKey: Uint8Array): Uint8Array {
  demand(groupKey.length === 32, 'KEY_MALFORMED', 'an SSH key of this kind has 32 bytes');
  return concatBytes(lengthPrefixed(SSH_ED25519), lengthPrefixed(groupKey));
}

/**
 * A line for `authorized_keys`: `ssh-ed25519 AAAA… comment`. Only letters that cannot end the line or start another
 * option are kept of the comment.
 */
export function sshPublicKeyLine(groupKey: Uint8Array, comment = ''): string {
  const safe = comment.replace(/[^\w.@:+-]+/g, '-').slice(0, 64);
  return `${SSH_ED25519} ${base64.encode(sshPublicKeyBlob(groupKey))}${safe === '' ? '' : ` ${safe}`}`;
}

/** `SHA256:…` of a key blob, as `ssh-keygen -l` prints it. */
export function sshFingerprint(blob: Uint8Array): string {
  return `SHA256:${base64nopad.encode(sha256(blob))}`;
}

/** The line, with the owner's name of the key as its comment, and the fingerprint that OpenSSH shows. */
export function sshPublicForm({ name, public: { groupKey } }: KeyContext): PublicForm {
  const value = sshPublicKeyLine(groupKey, name === undefined ? '' : `ckm:${name}`);
  const print = sshFingerprint(sshPublicKeyBlob(groupKey));
  const rows = [
    { label: 'SSH key', value },
    { label: 'Fingerprint', value: print },
  ];
  return { form: 'ssh', value, rows };
}

/** The signature as SSH writes it (RFC 8709 §6). */
export function sshSignatureBlob(signature: Uint8Array): Uint8Array {
  return concatBytes(lengthPrefixed(SSH_ED25519), lengthPrefixed(signature));
}

/** The 64 bytes inside of {@link sshSignatureBlob}; null when it is another one. */
export function rawSshSignature(blob: Uint8Array): Uint8Array | null {
  const signature = blob.slice(-64);
  return equalBytes(sshSignatureBlob(signature), blob) ? signature : null;
}

const KEY_ALGORITHM = /^[a-z0-9@.-]{1,64}$/;

/** The algorithm a public key blob names. @throws EncodingError `SSH_HOST_KEY_MALFORMED` */
export function sshBlobAlgorithm(blob: Uint8Array): string {
  const name = String.fromCharCode(...readBytes(blob, 'SSH_HOST_KEY_MALFORMED', 'the host key').prefixed(64));
  demand(KEY_ALGORITHM.test(name), 'SSH_HOST_KEY_MALFORMED', 'the host key names no algorithm');
  return name;
}
