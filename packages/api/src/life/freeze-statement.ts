import type { Identity } from '@ckm/gordian';
import { z } from 'zod';
import type { DevicesDocument } from '../devices/document.js';
import { identifier, unixSeconds } from '../fields/fields.js';
import type { KeyTerms } from '../terms/schema.js';
import {
  readStatement,
  type SignedStatement,
  type Signer,
  signerOf,
  signStatement,
  statementForeign,
} from './signed-statement.js';

const PURPOSE = 'ckm/freeze/v1';

const written = z.strictObject({
  v: z.literal(1),
  keyId: identifier,
  /** 32 fresh bytes, good for one freeze. */
  id: identifier,
  /** XID of whoever signs, as the terms or the list of devices have it. */
  by: identifier,
  /** Null, as `until`: made to be kept on paper. It counts from when a server first sees it, for seven days, and once. */
  from: unixSeconds.nullable(),
  until: unixSeconds.nullable(),
});

/** What somebody states who stops a key. */
export type SignedFreeze = Omit<z.infer<typeof written>, 'v'>;

/**
 * Stops a key, at all its servers, by whatever way it comes there.
 * @param times null: to be kept on paper
 */
export function signFreeze(
  signer: Identity,
  {
    keyId,
    id,
    times,
  }: Pick<SignedFreeze, 'keyId' | 'id'> & {
    readonly times: { readonly from: number; readonly until: number } | null;
  },
): SignedStatement {
  const { from = null, until = null } = times ?? {};
  return signStatement(signer, PURPOSE, { v: 1, keyId, id, by: signer.xid, from, until });
}

/** What a freeze says, whoever signed it. @throws EncodingError `STATEMENT_INVALID` */
export function readFreeze(signed: Pick<SignedStatement, 'statement'>): SignedFreeze {
  const { v: _v, ...freeze } = readStatement(written, signed);
  return freeze;
}

/**
 * Who froze a key by a statement.
 * @param devices the list in force for the key; null: there is none
 * @throws AccessError `STATEMENT_FOREIGN`; EncodingError `STATEMENT_INVALID`
 */
export function whoFroze(signed: SignedStatement, terms: KeyTerms, devices: DevicesDocument | null): Signer {
  const signer = signerOf(signed, PURPOSE, readFreeze(signed).by, terms, devices);
  if (signer === null) throw statementForeign();
  return signer;
}
