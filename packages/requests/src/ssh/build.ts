import { concatBytes } from '@ckm/foundation';
import { lengthPrefixed } from '../wire/bytes.js';
import { encodePayload } from '../wire/payload.js';
import { signatureOverDigest, signatureOverMessage, SSH_FORMS } from './parse.js';
import { parseSshsigToSign, type SshsigHash } from './sshsig.js';
import { parseUserauth } from './userauth.js';

/** What an SSH signature is wanted for: the message whole, or its digest where that is all there is. */
export type SshsigSubject =
  | { readonly namespace: string; readonly hash?: SshsigHash; readonly message: Uint8Array }
  | { readonly namespace: string; readonly hash?: SshsigHash; readonly digest: Uint8Array };

/**
 * The payload that asks for an SSH signature (SHA-512 unless told). Prefer the whole message: a digest is signed blind.
 * @throws EncodingError what {@link parseSsh} would refuse
 */
export function buildSshSigRequest(subject: SshsigSubject): Uint8Array {
  const hash = subject.hash ?? 'sha512';
  const whole = 'message' in subject;
  if (whole) signatureOverMessage(subject.namespace, hash, subject.message);
  else signatureOverDigest(subject.namespace, hash, subject.digest);
  return encodePayload(
    Uint8Array.of(whole ? SSH_FORMS.message : SSH_FORMS.digest),
    lengthPrefixed(subject.namespace),
    lengthPrefixed(hash),
    lengthPrefixed(whole ? subject.message : subject.digest),
  );
}

/** The payload that asks to log in, from the challenge OpenSSH sent to the agent. @throws EncodingError */
export function buildSshAuthRequest(challenge: Uint8Array): Uint8Array {
  parseUserauth(challenge);
  return encodePayload(Uint8Array.of(SSH_FORMS.login), lengthPrefixed(challenge));
}

/** What an agent was asked to sign, and as which request. */
export interface SshAgentRequest {
  readonly type: 'login' | 'signature';
  readonly payload: Uint8Array;
}

/**
 * The payload for whatever an agent is asked to sign: a login, or the digest of an SSH signature (whose artefact is
 * armored: answer with `sshSignatureBlobOf` of it). Anything else is refused. @throws EncodingError
 */
export function buildSshAgentRequest(data: Uint8Array): SshAgentRequest {
  const statement = parseSshsigToSign(data);
  if (statement === null) return { type: 'login', payload: buildSshAuthRequest(data) };
  const namespace = String.fromCharCode(...statement.namespace);
  signatureOverDigest(namespace, statement.hash, statement.digest);
  const body = concatBytes(
    lengthPrefixed(statement.namespace),
    lengthPrefixed(statement.hash),
    lengthPrefixed(statement.digest),
  );
  return { type: 'signature', payload: encodePayload(Uint8Array.of(SSH_FORMS.digest), body) };
}
