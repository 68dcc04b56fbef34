import type { IdentityCard } from '@ckm/api';
import { REQUEST_KIND_NAMES } from '@ckm/requests';
import type { SuiteBackend } from '@ckm/threshold';
import { z } from 'zod';
import { normalInviteCode } from '../accounts/invite-code.js';
import type { OperatorPolicy } from '../config/config.js';
import type { Tightening } from '../policy/effective.js';
import { tighteningSchema } from '../policy/tightening.js';
import type { ShownRequest } from '../requests/shown-request.js';

/** What the operator's socket takes. Ids travel as lower-case hex. */
export const hexId = z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected 64 hex digits' });
/** The beginning of an id is enough where only a few are in question. */
export const hexPrefix = z.string().regex(/^[0-9a-f]{4,64}$/, { error: 'expected 4 to 64 hex digits' });

/** Text that people read. */
const sentence = z
  .string()
  .max(280)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, { error: 'control characters are not allowed' });

export const approveBody = z.strictObject({
  tasksHash: hexId.optional(),
  owner: hexId.optional(),
  keyId: hexId.optional(),
});
export const rejectBody = z.strictObject({ reason: sentence.min(1) });
export const inviteBody = z.strictObject({
  note: sentence.default(''),
  lifetimeSeconds: z.int().min(60).max(31_536_000).default(604_800),
});
/** An invite, by the first digits of its id or by its code. */
export const inviteNameBody = z.strictObject({
  invite: z.string().refine((text) => normalInviteCode(text) !== null || /^[0-9a-fA-F]{4,16}$/.test(text), {
    error: 'expected 4 to 16 hex digits, or a code',
  }),
});
const kindName = z.enum(REQUEST_KIND_NAMES, {
  error: `there is no such kind of request: choose from ${REQUEST_KIND_NAMES.join(', ')}`,
});
export const tightenBody = tighteningSchema.extend({ kinds: z.array(kindName).nullable() }).partial();

export interface OperatorStatus {
  readonly name: string;
  readonly version: string;
  readonly phase: 'sealed' | 'opening' | 'ready' | 'stopping';
  readonly url: string;
  readonly startedAt: number;
  readonly memoryBytes: number;
  /** What computes with the keys of each suite. */
  readonly arithmetic: readonly SuiteBackend[];
  /** Null while the server is sealed. */
  readonly open: null | {
    readonly storage: 'sqlite' | 'postgres';
    readonly waitingRequests: number;
    readonly auditEntries: number;
    readonly auditHead: string;
    readonly identity: IdentityCard;
  };
}

export interface OperatorRequest {
  readonly owner: string;
  readonly requestId: string;
  readonly keyId: string;
  readonly kind: string;
  /** Names everything there is to sign for it: a yes that carries it is a yes to nothing else. */
  readonly tasksHash: string;
  readonly sentence: string;
  /** What stands beneath the sentence; null when an earlier version of the server stored only that. */
  readonly shown: ShownRequest | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface OperatorAuditLine {
  readonly sequence: number;
  readonly at: number;
  readonly deed: string;
  readonly who: string | null;
  readonly keyId: string | null;
  readonly subject: string | null;
  readonly sentence: string;
  readonly verdict: string;
  readonly policy: string;
  readonly detail: string;
  readonly hash: string;
}

export type OperatorAuditVerification =
  | { readonly ok: true; readonly entries: number; readonly head: string }
  | { readonly ok: false; readonly entries: number; readonly brokenAt: number; readonly why: string };

export interface OperatorInvite {
  /** 16 hex digits; its first ones name it. Nothing of the code is in them. */
  readonly id: string;
  readonly note: string;
  readonly usedBy: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface OperatorAccount {
  readonly xid: string;
  readonly status: 'active' | 'suspended';
  readonly openedAt: number;
  readonly keys: number;
  /** Its requests that wait for the operator; while it is suspended they are not listed. */
  readonly waiting: number;
  readonly bytes: number;
}

/** One key this server has a share of. */
export interface OperatorKey {
  readonly owner: string;
  readonly keyId: string;
  readonly purpose: string;
  readonly suite: string;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Which place in the quorum this server has. */
  readonly slot: number;
  readonly state: 'pending' | 'active';
  readonly createdAt: number;
  /** What its likeness is made of; null while it waits for its certificate. */
  readonly certificateHash: string | null;
}

export interface OperatorKeyPolicy extends OperatorKey {
  /** What the owner certified. */
  readonly owned: {
    readonly kinds: readonly string[];
    readonly rateLimit: { readonly count: number; readonly perSeconds: number } | null;
    readonly expiresAt: number | null;
    readonly blindAllowed: boolean;
    readonly approval: 'automatic' | 'operator';
  };
  /** What the operator took away for this key. */
  readonly tightening: Tightening;
  /** What `config.json` takes away for every key; `name` is how verdicts in the audit log name it, null: nothing. */
  readonly server: OperatorPolicy & { readonly name: string | null };
}

export type TightenBody = z.infer<typeof tightenBody>;
