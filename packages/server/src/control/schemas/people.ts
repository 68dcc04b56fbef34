import { z } from 'zod';
import { normalInviteCode } from '../../accounts/invite-code.js';
import { hexId, hexText, sentence, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

export const createInviteParameters = z.strictObject({
  note: sentence.default(''),
  lifetimeSeconds: z.int().min(60).max(31_536_000).default(604_800),
});

/** `needed` is false on a server that is open. */
export const createInviteResult = z.object({
  code: z.string(),
  id: hexText,
  expiresAt: unixSeconds,
  needed: z.boolean(),
});

/** An invite, by the first digits of its id or by its code. */
export const inviteParameters = z.strictObject({
  invite: z.string().refine((text) => normalInviteCode(text) !== null || /^[0-9a-fA-F]{4,16}$/.test(text), {
    error: 'expected 4 to 16 hex digits, or a code',
  }),
});

export const operatorInvite = z.object({
  /** 16 hex digits; its first ones name it. Nothing of the code is in them. */
  id: hexText,
  note: z.string(),
  usedBy: hexText.nullable(),
  createdAt: unixSeconds,
  expiresAt: unixSeconds,
});
export type OperatorInvite = Immutable<z.output<typeof operatorInvite>>;

const inviteId = z.string().regex(/^[0-9a-f]{16}$/, { error: 'expected 16 hex digits' });
export const invitesParameters = z.strictObject({ after: inviteId.optional() });
/** A page, by id; `next` is what the following one comes `after`, null at the end. */
export const invitesResult = z.object({ invites: z.array(operatorInvite), next: inviteId.nullable() });
export type OperatorInvites = Immutable<z.output<typeof invitesResult>>;

export const accountsParameters = z.strictObject({ after: hexId.optional() });
export const accountParameters = z.strictObject({ xid: hexId });

const operatorAccount = z.object({
  xid: hexText,
  status: z.enum(['active', 'suspended']),
  openedAt: unixSeconds,
  keys: wholeNumber,
  /** Its requests that wait for the operator; while it is suspended they are not listed. */
  waiting: wholeNumber,
  bytes: wholeNumber,
  /** The freeze of all of it that stands; null: none. `device`: XID of that of its devices which said so; null: its words did. */
  frozen: z
    .object({ until: unixSeconds, thawAskedAt: unixSeconds.nullable(), device: hexText.nullable() })
    .nullable(),
});
/** Whether it was frozen. */
export const thawAccountResult = z.object({ wasFrozen: z.boolean() });
export type OperatorAccount = Immutable<z.output<typeof operatorAccount>>;

/** A page, by XID; `next` is what the following one comes `after`, null at the end. */
export const accountsResult = z.object({ accounts: z.array(operatorAccount), next: hexId.nullable() });
export type OperatorAccounts = Immutable<z.output<typeof accountsResult>>;
