import { z } from 'zod';
import { bytesOf, identifier, label, unixSeconds } from '../fields/fields.js';
import { signedVoucher } from './voucher.js';

/** How a server reaches an owner who has lost every device. */
export const CONTACT_KINDS = ['totp', 'xid', 'mail', 'operator'] as const;
export type ContactKind = (typeof CONTACT_KINDS)[number];

/** Contacts of one account at one server, those that are not verified included. */
export const MAX_CONTACTS = 8;
const DAY = 86_400;
/** How long a recovery waits that a contact has begun, unless its owner wants otherwise. Seconds that the server runs. */
export const RECOVERY_DELAY_SECONDS = 7 * DAY;
const LEAST_DELAY_SECONDS = DAY;
const MOST_DELAY_SECONDS = 90 * DAY;
/** So long passes between the word of a device about a contact and its effect. Seconds that the server runs. */
export const CONTACT_DELAY_SECONDS = 3 * DAY;

/**
 * An address for e-mail: one of plain ASCII, of which a server takes no other spelling but capitals. Source: RFC 5321 §4.1.2, §4.5.3.1, of
 * which this is the part that people have.
 */
const MAIL = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?$/;
export const mailAddress = z.string().max(254).regex(MAIL, { error: 'expected an address for e-mail' });

const wanted = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('totp') }),
  z.strictObject({ kind: z.literal('xid') }),
  z.strictObject({ kind: z.literal('mail'), address: mailAddress }),
  z.strictObject({ kind: z.literal('operator') }),
]);
export type WantedContact = z.infer<typeof wanted>;

/**
 * `unverified`: nobody has shown yet that it works. `coming`: it does, and its delay is not over. `inForce`: it brings its owner back. `leaving`: it still
 * does, until its delay is over.
 */
export const contactState = z.enum(['unverified', 'coming', 'inForce', 'leaving']);
export type ContactState = z.infer<typeof contactState>;

const contactView = z.strictObject({
  id: identifier,
  kind: z.enum(CONTACT_KINDS),
  state: contactState,
  /** What names it: the address; of an app the name that it shows, to whoever sets it up, and else the first letters of that; of another identity its XID in hex; empty: nothing yet, or nothing is needed. */
  name: label(254),
  delaySeconds: z.int().min(LEAST_DELAY_SECONDS).max(MOST_DELAY_SECONDS),
  setAt: unixSeconds,
  /** The id of the key that set it; that of the words is the XID of the account. */
  setBy: bytesOf(32),
  /** When its delay is over, if the server runs on; null: it waits for none. */
  readyAt: unixSeconds.nullable(),
});
export type ContactView = z.infer<typeof contactView>;

/** Sets a contact, or shows again what was set under that id while it is not verified. */
export const contactSet = {
  parameters: z.strictObject({
    /** 32 fresh bytes. */
    id: identifier,
    contact: wanted,
    /** How long a recovery waits that it begins; absent: seven days. */
    delaySeconds: z.int().min(LEAST_DELAY_SECONDS).max(MOST_DELAY_SECONDS).exactOptional(),
  }),
  result: z.strictObject({
    contact: contactView,
    /** Of `totp`: what the app and the server share, 20 bytes, shown until it is verified. */
    secret: bytesOf(20).exactOptional(),
  }),
};

export const contactList = {
  parameters: z.strictObject({}),
  result: z.strictObject({ contacts: z.array(contactView).max(MAX_CONTACTS) }),
};

/** Digits, as an app shows them or a message has them. */
const code = z.string().regex(/^[0-9]{6,8}$/, { error: 'expected six to eight digits' });
export const contactProof = z.union([z.strictObject({ code }), z.strictObject({ voucher: signedVoucher })]);
export type ContactProof = z.infer<typeof contactProof>;

export const contactVerify = {
  parameters: z.strictObject({ id: identifier, proof: contactProof }),
  result: z.strictObject({ contact: contactView }),
};

/** Has a contact go, or, with `keeps`, one that is leaving stay. `contact` null: it is gone. */
export const contactRemove = {
  parameters: z.strictObject({ id: identifier, keeps: z.literal(true).exactOptional() }),
  result: z.strictObject({ contact: contactView.nullable() }),
};
