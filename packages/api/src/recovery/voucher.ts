import { equalBytes } from '@ckm/foundation';
import {
  type Data,
  decodeData,
  decodePublicKeys,
  encodeData,
  encodePublicKeys,
  type Identity,
  type PublicKeys,
  signBytes,
  verifyBytes,
  type Xid,
  xidOf,
} from '@ckm/gordian';
import { z } from 'zod';
import { bytesOf, bytesUpTo, unixSeconds } from '../fields/fields.js';
import { voucherInvalid } from './codes.js';

/** What a contact vouches for: that it is a contact of an account, or that a key is that of the person whose account it is. */
export const VOUCHED = ['contact', 'recovery', 'veto'] as const;
export type Vouched = (typeof VOUCHED)[number];

/** A voucher is good for so long. Seconds. */
export const VOUCHER_SECONDS = 259_200;
/** How far the clock of a contact may be ahead. Seconds. */
const SKEW_SECONDS = 600;
const PURPOSE = 'ckm/contact/v1';
const LIMITS = { maxBytes: 1_024, maxDepth: 2, maxItems: 32 } as const;

/** What somebody says who is the contact of an account at one server, under an XID that is for that server alone. */
export interface Voucher {
  /** XID. */
  readonly server: Uint8Array;
  readonly vouched: Vouched;
  /** 32 bytes: of `contact` the XID of the account; else the id of the key that recovers it. */
  readonly about: Uint8Array;
  readonly contact: PublicKeys;
  readonly issuedAt: number;
}

const written = z.strictObject({
  v: z.literal(1),
  server: bytesOf(32),
  vouched: z.enum(VOUCHED),
  about: bytesOf(32),
  contact: bytesUpTo(128),
  issuedAt: unixSeconds,
});

/** A voucher as it travels. */
export const signedVoucher = z.strictObject({ voucher: bytesUpTo(LIMITS.maxBytes), signature: bytesOf(64) });
export type SignedVoucher = z.infer<typeof signedVoucher>;

export function signVoucher(voucher: Omit<Voucher, 'contact'>, contact: Identity): SignedVoucher {
  const bytes = encode({ ...voucher, contact: contact.publicKeys });
  return { voucher: bytes, signature: signBytes(contact, PURPOSE, bytes) };
}

function encode({ server, vouched, about, contact, issuedAt }: Voucher): Uint8Array {
  const data = { v: 1, server, vouched, about, contact: encodePublicKeys(contact), issuedAt } satisfies Data;
  return encodeData(data);
}

/**
 * Reads a voucher and checks that it is signed by the contact that it names. Whose contact that is, and whether it is meant for here, is said elsewhere.
 * @throws EncodingError `VOUCHER_INVALID`
 */
export function parseVoucher({ voucher, signature }: SignedVoucher): Voucher {
  const parsed = written.safeParse(orNull(() => decodeData(voucher, LIMITS)));
  if (!parsed.success) throw voucherInvalid('it cannot be read');
  const { v: _v, ...members } = parsed.data;
  const contact = orNull(() => decodePublicKeys(members.contact));
  if (contact === null || contact.signing.scheme !== 'ed25519')
    throw voucherInvalid('its key cannot be read');
  const read: Voucher = { ...members, contact };
  if (!equalBytes(encode(read), voucher)) throw voucherInvalid('it is spelled in another way');
  if (!verifyBytes(contact, PURPOSE, voucher, signature)) throw voucherInvalid('its signature is wrong');
  return read;
}

/** The XID that names a contact. */
export function contactXid({ contact }: Pick<Voucher, 'contact'>): Xid {
  return xidOf(contact);
}

/** Whether a voucher says that here, of that, and now. @param now UnixSeconds */
export function isVoucherFor(
  voucher: Voucher,
  meant: Pick<Voucher, 'server' | 'vouched' | 'about'>,
  now: number,
): boolean {
  const { issuedAt } = voucher;
  const isInTime = issuedAt <= now + SKEW_SECONDS && now <= issuedAt + VOUCHER_SECONDS;
  const isAbout = equalBytes(voucher.server, meant.server) && equalBytes(voucher.about, meant.about);
  return isInTime && isAbout && voucher.vouched === meant.vouched;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
