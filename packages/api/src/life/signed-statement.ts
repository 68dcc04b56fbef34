import { AccessError, EncodingError, equalBytes } from '@ckm/foundation';
import { type Data, decodeData, encodeData, type Identity, signBytes, verifyBytes } from '@ckm/gordian';
import { z } from 'zod';
import type { DevicesDocument } from '../devices/document.js';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import type { KeyTerms } from '../terms/schema.js';
import { xidOfKey } from '../votes/voter.js';

/** Of every statement of this room. */
const MAX_LIFE_STATEMENT_BYTES = 512;

/** A statement about one key with the signature of somebody whom its terms, or the list of its owner's devices, name: the same for all its servers, whoever carries it. */
export const signedStatement = z.strictObject({
  statement: bytesUpTo(MAX_LIFE_STATEMENT_BYTES),
  signature: bytesOf(64),
});
export type SignedStatement = z.infer<typeof signedStatement>;

/** Who signed a statement, as the terms of the key and its list of devices know him. `name`: of an approver, in the terms. */
export type Signer =
  | { readonly kind: 'owner' }
  | { readonly kind: 'device'; readonly id: Uint8Array }
  | { readonly kind: 'approver'; readonly name: string };

/** What a signature of this room is for. */
type Purpose = 'ckm/freeze/v1' | 'ckm/alive/v1' | 'ckm/heard/v1';

export function signStatement(signer: Identity, purpose: Purpose, statement: Data): SignedStatement {
  const bytes = encodeData(statement);
  return { statement: bytes, signature: signBytes(signer, purpose, bytes) };
}

/** @throws EncodingError `STATEMENT_INVALID` */
export function readStatement<T>(schema: z.ZodType<T>, { statement }: Pick<SignedStatement, 'statement'>): T {
  let data: Data;
  try {
    data = decodeData(statement, { maxBytes: MAX_LIFE_STATEMENT_BYTES, maxDepth: 2, maxItems: 16 });
  } catch {
    throw statementInvalid();
  }
  const parsed = schema.safeParse(data);
  // One spelling: what is signed is what was read.
  if (!parsed.success || !equalBytes(encodeData(data), statement)) throw statementInvalid();
  return parsed.data;
}

/** @param key Ed25519, 32 bytes */
export function isSignedWith(key: Uint8Array, purpose: Purpose, signed: SignedStatement): boolean {
  const signing = { scheme: 'ed25519' as const, bytes: key };
  return verifyBytes({ signing }, purpose, signed.statement, signed.signature);
}

/**
 * Whoever signed a statement under a name: the owner of the key, one of his devices, or an approver with one of his keys; null: nobody of those.
 * @param by XID, as the statement says
 * @param devices the list in force for the key; null: there is none
 */
export function signerOf(
  signed: SignedStatement,
  purpose: Purpose,
  by: Uint8Array,
  { ownerKey, approvers = [] }: Pick<KeyTerms, 'ownerKey' | 'approvers'>,
  devices: DevicesDocument | null,
): Signer | null {
  const isBy = (key: Uint8Array) => isSignedWith(key, purpose, signed);
  if (ownerKey !== undefined && equalBytes(xidOfKey(ownerKey), by))
    return isBy(ownerKey) ? { kind: 'owner' } : null;
  const device = devices?.keys.find(({ id }) => equalBytes(id, by));
  if (device !== undefined) return isBy(device.publicKeys.signing.bytes) ? { kind: 'device', id: by } : null;
  const approver = approvers.find(({ xid }) => equalBytes(xid, by));
  const isHis = approver?.keys.some((key) => key.kind === 'ed25519' && isBy(key.key)) === true;
  return isHis ? { kind: 'approver', name: approver.name } : null;
}

function statementInvalid(): EncodingError {
  return new EncodingError('a statement about a key is damaged, or of another form', {
    code: 'STATEMENT_INVALID',
    hint: 'bring it as it was made; compare the versions of both sides',
  });
}

/** Also where there is no such key: whoever carries a statement learns nothing of which keys there are. */
export function statementForeign(): AccessError {
  return new AccessError('nobody whom the terms of such a key name has signed this statement', {
    code: 'STATEMENT_FOREIGN',
    hint: 'bring it to a server of the key that it names; a device that was removed since signs nothing any more',
    httpStatus: 404,
  });
}
