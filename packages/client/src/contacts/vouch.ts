import { signVoucher, type VouchRequest } from '@ckm/api';
import { concatBytes, encodeUtf8, reveal, secret, type Secret } from '@ckm/foundation';
import {
  asXid,
  createIdentity,
  type Identity,
  primitives,
  wipeIdentity,
  type Xid,
  xidOf,
} from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import { householdIn } from '../owner/owner.js';
import { parseName } from '../store/names.js';
import { readVouchRequest, writeVoucher } from './papers.js';

const SALT = encodeUtf8('ckm/contact/v1');

/** What is vouched for, to be compared by voice. */
export interface VouchView {
  readonly vouched: VouchRequest['vouched'];
  readonly server: Xid;
  /** 32 bytes: of `contact` the account, else the key that asks. Its likeness is what people compare. */
  readonly about: Xid;
}

/** @throws EncodingError `RECOVERY_REQUEST_INVALID` */
export function planVoucher(text: string): VouchView {
  const { vouched, server, keys } = readVouchRequest(text);
  return { vouched, server: asXid(server), about: xidOf(keys) };
}

/**
 * Vouches for somebody at one server. Nobody is told; nothing is kept: with the same name it is the same contact again, on every device of this owner.
 * @param person what whoever vouches calls the one he vouches for
 * @returns `ur:envelope/…`
 * @throws EncodingError `RECOVERY_REQUEST_INVALID`; UsageError `NAME_INVALID`
 */
export async function vouch(context: ClientContext, text: string, person: string): Promise<string> {
  const { vouched, server, about } = planVoucher(text);
  const name = parseName('person', person);
  const contact = contactIdentity(householdIn(await context.owner()), server, name);
  try {
    return writeVoucher(signVoucher({ server, vouched, about, issuedAt: context.clock() }, contact));
  } finally {
    wipeIdentity(contact);
  }
}

/**
 * Who an owner is as the contact of a person at a server: neither two servers, nor two whom he vouches for, see that it is the same.
 * HKDF-SHA-256(household, salt `ckm/contact/v1`, info = the server's XID ‖ the name) is the seed of the identity.
 */
function contactIdentity(household: Secret<Uint8Array>, server: Xid, person: string): Identity {
  const info = concatBytes(server, encodeUtf8(person));
  const why = 'vouching for somebody';
  return createIdentity(secret(primitives.hkdfSha256(reveal(household, why), SALT, info, 32)));
}
