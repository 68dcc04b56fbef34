import { z } from 'zod';
import { bytesUpTo, identifier, label, unixSeconds } from '../fields/fields.js';
import { CONTACT_KINDS, contactProof, MAX_CONTACTS, mailAddress } from './contacts.js';

/** Six groups of letters and digits would be more than is typed gladly; twelve characters of 32 are 60 bits. */
export const TOTP_NAME = /^[0-9abcdefghjkmnpqrstvwxyz]{12}$/;

/** What somebody knows of a contact who has nothing else any more. */
export const contactName = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mail'), name: mailAddress }),
  /** As the app shows it. */
  z.strictObject({ kind: z.literal('totp'), name: z.string().regex(TOTP_NAME) }),
  /** The voucher says which. */
  z.strictObject({ kind: z.literal('xid'), name: z.literal('') }),
]);
export type ContactName = z.infer<typeof contactName>;

export const caseState = z.enum(['waiting', 'vetoed', 'done', 'over']);
export type CaseState = z.infer<typeof caseState>;

export const caseView = z.strictObject({
  /** The id of the key that is to be the only device of the account. */
  caseId: identifier,
  state: caseState,
  /** By which contacts it is shown. */
  proofs: z.array(z.enum(CONTACT_KINDS)).max(MAX_CONTACTS),
  openedAt: unixSeconds,
  /** When its delay is over, if the server runs on; null: it is, or nothing waits. */
  readyAt: unixSeconds.nullable(),
  /** How many have said no. */
  vetoes: z.int().min(0).max(64),
  /** Of a case that was vetoed: until when the account rests, if the server runs on; null: it does not. */
  pausedUntil: unixSeconds.nullable(),
});
export type CaseView = z.infer<typeof caseView>;

/** Asks for a code to be sent to a contact. The answer is the same for whatever name. */
export const recoveryOpen = {
  parameters: z.strictObject({ contact: z.strictObject({ kind: z.literal('mail'), name: mailAddress }) }),
  /** Until when a code holds that is sent now. */
  result: z.strictObject({ until: unixSeconds }),
};

/** `recover`: whoever asks is to be let in. `veto`: whoever else asks is not. */
export const recoveryProve = {
  parameters: z.strictObject({
    contact: contactName,
    proof: contactProof,
    deed: z.enum(['recover', 'veto']),
  }),
  result: caseView,
};

/** The case of whoever asks. */
export const recoveryShow = { parameters: z.strictObject({}), result: caseView };

/** Takes the place of every device of the account. `notes`: what the key says of itself to devices that come later, sealed. */
export const recoveryFinish = {
  parameters: z.strictObject({ notes: bytesUpTo(256) }),
  result: z.strictObject({ account: identifier }),
};

/** Cases about the account of whoever asks. */
export const recoveryList = {
  parameters: z.strictObject({}),
  result: z.strictObject({ cases: z.array(caseView).max(32) }),
};

/** Says no. */
export const recoveryVeto = {
  parameters: z.strictObject({ caseId: identifier, reason: label(280) }),
  result: caseView,
};
