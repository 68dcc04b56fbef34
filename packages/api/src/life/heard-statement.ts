import { EncodingError } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, identifier } from '../fields/fields.js';
import { isSignedWith, readStatement, type SignedStatement, signStatement } from './signed-statement.js';

const PURPOSE = 'ckm/heard/v1';

const written = z.strictObject({
  v: z.literal(1),
  keyId: identifier,
  /** Transcript hash of the first epoch of the key: another account may have one of the same id, and be silent. */
  first: bytesOf(32),
  /** XID of the server that says so. */
  by: identifier,
  /** What another server of the key has drawn for its case: so nobody brings an answer of before the owner came back. */
  nonce: bytesOf(32),
  /** For how long it has heard nothing. */
  silentSeconds: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});

/** What a server of a key says to another one: that it has heard nothing of the owner for as long as the terms say, and that everybody was told for as long as they must. */
export type Heard = Omit<z.infer<typeof written>, 'v'>;

/** @param server who says so: the identity that the certificate of the key names */
export function signHeard(
  server: Identity,
  { keyId, first, nonce, silentSeconds }: Omit<Heard, 'by'>,
): SignedStatement {
  return signStatement(server, PURPOSE, { v: 1, keyId, first, by: server.xid, nonce, silentSeconds });
}

/** What it says, if that is its form; null: it has none, and says nothing, whoever brought it. */
export function readHeard(signed: Pick<SignedStatement, 'statement'>): Heard | null {
  try {
    const { v: _v, ...heard } = readStatement(written, signed);
    return heard;
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** @param identityKey of the server, 32 bytes, as the certificate of the key names it */
export function isHeardBy(signed: SignedStatement, identityKey: Uint8Array): boolean {
  return isSignedWith(identityKey, PURPOSE, signed);
}
