import { EncodingError, StorageError } from '@ckm/foundation';
import { readAtMost } from '../terminal/read-at-most.js';

const LITERAL = 'key::';
const MOST_CHARACTERS = 65_536;
/** `ssh-ed25519 AAAA…`, with or without what may stand around it in an `authorized_keys` file. */
const PUBLIC_KEY = /(?:^|\s)ssh-ed25519 +([A-Za-z0-9+/]{68})(?=\s|$)/m;

/**
 * The SSH public key that somebody names as git does: a file with it, the file of the private key it lies beside, or
 * `key::ssh-ed25519 …` itself.
 * @returns the key blob
 * @throws StorageError `FILE_UNREADABLE`; EncodingError `SSH_PUBLIC_KEY_INVALID`
 */
export async function readPublicKey(named: string): Promise<Uint8Array> {
  if (named.startsWith(LITERAL))
    return parsePublicKeyLine(named.slice(LITERAL.length), 'the key that git names');
  const text = await readText(named);
  // Of a pair of files git is often told the private one.
  const isPrivate = text.startsWith('-----BEGIN ');
  return isPrivate
    ? parsePublicKeyLine(await readText(`${named}.pub`), `${named}.pub`)
    : parsePublicKeyLine(text, named);
}

/** The key blob of a line. @throws EncodingError `SSH_PUBLIC_KEY_INVALID` */
export function parsePublicKeyLine(text: string, where: string): Uint8Array {
  const encoded = PUBLIC_KEY.exec(text.slice(0, MOST_CHARACTERS))?.[1];
  if (encoded !== undefined) return new Uint8Array(Buffer.from(encoded, 'base64'));
  throw new EncodingError(`there is no ssh-ed25519 public key in ${where}`, {
    code: 'SSH_PUBLIC_KEY_INVALID',
    hint: 'set user.signingkey to a file with the line of: ckm key show NAME --public',
  });
}

async function readText(path: string): Promise<string> {
  try {
    return Buffer.from(await readAtMost(path, MOST_CHARACTERS)).toString('utf8');
  } catch (cause) {
    throw new StorageError(`${path} cannot be read`, {
      code: 'FILE_UNREADABLE',
      hint: 'check the path and its permissions',
      cause,
    });
  }
}
