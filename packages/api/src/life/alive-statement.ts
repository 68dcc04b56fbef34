import type { Identity } from '@ckm/gordian';
import { z } from 'zod';
import type { DevicesDocument } from '../devices/document.js';
import { identifier } from '../fields/fields.js';
import type { KeyTerms } from '../terms/schema.js';
import {
  readStatement,
  type SignedStatement,
  signerOf,
  signStatement,
  statementForeign,
} from './signed-statement.js';

const PURPOSE = 'ckm/alive/v1';

const written = z.strictObject({
  v: z.literal(1),
  keyId: identifier,
  /** XID of whoever signs: the owner key, or a device on the list of the key. */
  by: identifier,
  /** Rises with each of this very signer: what was said before is not said again. */
  number: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
});

/** That the owner of a key lives, as one of his devices or his words say. */
export type Alive = Omit<z.infer<typeof written>, 'v'>;

/** A sign of life for all servers of a key, whoever carries it. */
export function signAlive(
  signer: Identity,
  { keyId, number }: Pick<Alive, 'keyId' | 'number'>,
): SignedStatement {
  return signStatement(signer, PURPOSE, { v: 1, keyId, by: signer.xid, number });
}

/** What a sign of life says, whoever signed it. @throws EncodingError `STATEMENT_INVALID` */
export function readAlive(signed: Pick<SignedStatement, 'statement'>): Alive {
  const { v: _v, ...alive } = readStatement(written, signed);
  return alive;
}

/**
 * That the owner of a key or one of his devices gave a sign of life: nobody else can, an approver neither.
 * @param devices the list in force for the key; null: there is none
 * @throws AccessError `STATEMENT_FOREIGN`; EncodingError `STATEMENT_INVALID`
 */
export function assertAlive(
  signed: SignedStatement,
  { ownerKey }: Pick<KeyTerms, 'ownerKey'>,
  devices: DevicesDocument | null,
): void {
  const terms = ownerKey === undefined ? {} : { ownerKey };
  if (signerOf(signed, PURPOSE, readAlive(signed).by, terms, devices) === null) throw statementForeign();
}
