import { CkmError, decodeUtf8 } from '@ckm/foundation';
import { demand, refusal } from '../errors.js';
import { isReadable } from '../text/quote.js';
import { readBytes, type ByteReader } from '../wire/bytes.js';
import { SSH_ED25519, sshBlobAlgorithm } from './blob.js';

/** A login that an SSH server challenged its user to sign. */
export interface SshLogin {
  readonly type: 'login';
  readonly user: string;
  readonly sessionId: Uint8Array;
  /** The key that is to sign, as SSH writes it. */
  readonly publicKey: Uint8Array;
  /** The server's own key; `null` when the challenge does not say which server it is for. */
  readonly hostKey: { readonly blob: Uint8Array; readonly algorithm: string } | null;
  /** The challenge as it came: the bytes that are signed. */
  readonly challenge: Uint8Array;
}

const USERAUTH_REQUEST = 50;
const PLAIN = 'publickey';
const HOST_BOUND = 'publickey-hostbound-v00@openssh.com';
const SERVICE = 'ssh-connection';
/** A session id is the exchange hash of the first key exchange: SHA-1 to SHA-512. */
const SESSION_ID_LENGTHS = [20, 32, 48, 64];
export const MAX_CHALLENGE = 16_384;

/**
 * Source: RFC 4252 §7; OpenSSH PROTOCOL §3.1 for the host-bound form.
 * @throws EncodingError `SSH_CHALLENGE_MALFORMED`, `SSH_USER_INVALID`, `SSH_ALGORITHM_UNSUPPORTED`,
 * `SSH_HOST_KEY_MALFORMED`
 */
export function parseUserauth(challenge: Uint8Array): SshLogin {
  demand(challenge.length <= MAX_CHALLENGE, 'PAYLOAD_TOO_LARGE', 'the SSH challenge is too long');
  const reader = readBytes(challenge, 'SSH_CHALLENGE_MALFORMED', 'the SSH challenge');
  const sessionId = reader.prefixed(64);
  demand(
    SESSION_ID_LENGTHS.includes(sessionId.length),
    'SSH_CHALLENGE_MALFORMED',
    'the session id has a wrong length',
  );
  demand(reader.byte() === USERAUTH_REQUEST, 'SSH_CHALLENGE_MALFORMED', 'the challenge is not a login');
  const user = parseUser(reader.prefixed(256));
  demand(ascii(reader) === SERVICE, 'SSH_CHALLENGE_MALFORMED', 'the login is for an unknown service');
  const method = ascii(reader);
  demand(
    method === PLAIN || method === HOST_BOUND,
    'SSH_CHALLENGE_MALFORMED',
    'the login uses an unknown method',
  );
  demand(reader.byte() === 1, 'SSH_CHALLENGE_MALFORMED', 'the challenge asks for no signature');
  demand(ascii(reader) === SSH_ED25519, 'SSH_ALGORITHM_UNSUPPORTED', 'the login wants another algorithm');
  const publicKey = reader.prefixed(256);
  const host = method === HOST_BOUND ? reader.prefixed(8192) : null;
  reader.end();
  const hostKey = host === null ? null : { blob: host, algorithm: sshBlobAlgorithm(host) };
  return { type: 'login', user, sessionId, publicKey, hostKey, challenge: challenge.slice() };
}

function ascii(reader: ByteReader): string {
  return String.fromCharCode(...reader.prefixed(64));
}

function parseUser(bytes: Uint8Array): string {
  const invalid = 'the user name is empty or holds characters that cannot be shown';
  try {
    const user = decodeUtf8(bytes);
    demand(user !== '' && isReadable(user) && !/[\n\t\r]/.test(user), 'SSH_USER_INVALID', invalid);
    return user;
  } catch (error) {
    if (error instanceof CkmError) throw refusal('SSH_USER_INVALID', invalid);
    throw error;
  }
}
