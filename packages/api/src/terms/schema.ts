import { z } from 'zod';
import { bytesOf, bytesUpTo } from '../fields/fields.js';
import { keyPolicy } from './policy.js';
import { type Condition, MOST_NESTING } from './condition.js';

/** A running total looks back no further. */
const MOST_WINDOW_SECONDS = 31 * 86_400;
/** As many satoshis as there will ever be; nothing that is counted is more. */
const MOST_NUMBER = 2_100_000_000_000_000;
const MOST_APPROVERS = 16;
const MOST_RULES = 50;
const DAY = 86_400;
/** What is longer or holds more is refused unread. */
export const MAX_TERMS_BYTES = 65_536;
export const MAX_TERMS_ITEMS = 16_384;

/**
 * What a person is called in the terms: letters that cannot be taken for others, and no word that a sentence has for something else. All
 * servers of the key, and all approvers, read it.
 */
export const approverName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .refine((text) => !/^(?:and|anybody|everybody|nobody|none|of|operator|or|owner|terms|words)$/.test(text));

/** Visible ASCII and blanks: one spelling on every machine. */
const text = z.string().regex(/^[\x20-\x7e]{0,256}$/);
const texts = z
  .array(text)
  .min(1)
  .max(256)
  .refine((list) => new Set(list).size === list.length, { error: 'a text stands twice' });
const factName = z.string().regex(/^[a-z][A-Za-z]{0,31}$/);
const number = z.int().min(0).max(MOST_NUMBER);
const total = { total: factName, within: z.int().min(1).max(MOST_WINDOW_SECONDS) };

const comparison = z.union([
  z.strictObject({ fact: factName, atMost: number }),
  z.strictObject({ fact: factName, above: number }),
  z.strictObject({ fact: factName, among: texts }),
  z.strictObject({ fact: factName, beyond: texts }),
  z.strictObject({ ...total, atMost: number }),
  z.strictObject({ ...total, above: number }),
]);

/** Of so many levels, itself one of them: what nests deeper has no form. */
function conditionOf(levels: number): z.ZodType<Condition> {
  if (levels === 1) return comparison;
  const part = conditionOf(levels - 1);
  return z.union([
    comparison,
    z.strictObject({ all: z.array(part).max(16) }),
    z.strictObject({ any: z.array(part).min(1).max(16) }),
  ]);
}

/** How many of whom are asked; `rejectsEnd` of them end it by their no. Absent: as many as leave too few for a yes. */
const people = {
  needed: z.int().min(0).max(MOST_APPROVERS),
  of: z.array(approverName).max(MOST_APPROVERS),
  rejectsEnd: z.int().min(1).max(MOST_APPROVERS).exactOptional(),
};

/** Where `when` holds, so many have to say yes. */
const useRule = z.strictObject({ when: conditionOf(MOST_NESTING), ...people });

/** Who says yes to other terms, and how long those wait that loosen anything. */
const changeRule = z.strictObject({
  ...people,
  delaySeconds: z.int().min(0).max(MOST_WINDOW_SECONDS),
  /** After how many seconds the words change the terms without anybody; null: never. */
  words: z
    .int()
    .min(7 * DAY)
    .max(365 * DAY)
    .nullable(),
});

/** What becomes possible for whom when the owner has given no sign for so long. */
const silenceRule = z.strictObject({
  afterSeconds: z
    .int()
    .min(30 * DAY)
    .max(3_650 * DAY),
  grants: z
    .array(
      z.strictObject({
        who: approverName,
        may: z
          .array(z.enum(['use', 'recover']))
          .min(1)
          .refine((may) => new Set(may).size === may.length),
      }),
    )
    .min(1)
    .max(MOST_APPROVERS),
});

const HOST = '[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?';
const ORIGIN = new RegExp(`^https?://(${HOST})(?::[0-9]{1,5})?$`);

/** What a browser calls the page that it is on: https, or this machine. */
function isOriginOf(origin: string, rpId: string): boolean {
  const host = ORIGIN.exec(origin)?.[1];
  if (host === undefined || !(origin.startsWith('https:') || host === 'localhost')) return false;
  return host === rpId || host.endsWith(`.${rpId}`);
}

const passkey = z
  .strictObject({
    kind: z.literal('passkey'),
    /** As COSE counts them: ES256, EdDSA, RS256. */
    alg: z.union([z.literal(-7), z.literal(-8), z.literal(-257)]),
    spki: bytesUpTo(1_024).refine(({ length }) => length > 0),
    rpId: z.string().regex(new RegExp(`^${HOST}$`)),
    origins: z.array(z.string().max(270)).min(1).max(4),
  })
  .refine(({ rpId, origins }) => origins.every((origin) => isOriginOf(origin, rpId)), {
    error: 'an origin is not of the passkey’s host',
    path: ['origins'],
  });
const ed25519 = z.strictObject({ kind: z.literal('ed25519'), key: bytesOf(32) });

/** Somebody whose yes may be asked for: a person, or a device of the owner. `xid` and keys are for this key alone. */
const approver = z.strictObject({
  name: approverName,
  xid: bytesOf(32),
  keys: z
    .array(z.union([ed25519, passkey]))
    .min(1)
    .max(4),
});

/**
 * The certified rules of a key: its policy with as much besides as its owner wants. Without any of it, it is a policy of before, byte by
 * byte; `policyHash` names both.
 */
export const keyTerms = z.strictObject({
  ...keyPolicy.shape,
  /** Counted from 0, which is absent: as the key was made. */
  version: z.int().min(1).max(0xffff_ffff).exactOptional(),
  /** 32 bytes, the hash of the version before; there with `version`. */
  previous: bytesOf(32).exactOptional(),
  /** Every rule that fits a request has to be met, and where none fits the answer is no. Absent: nobody is asked. */
  approvals: z.array(useRule).min(1).max(MOST_RULES).exactOptional(),
  change: changeRule.exactOptional(),
  silence: silenceRule.exactOptional(),
  /** 32 bytes, Ed25519, of this key alone: under it the owner’s devices stand, and signs of life. */
  ownerKey: bytesOf(32).exactOptional(),
  approvers: z.array(approver).min(1).max(MOST_APPROVERS).exactOptional(),
});
export type KeyTerms = z.infer<typeof keyTerms>;
export type UseRule = z.infer<typeof useRule>;
export type Approver = z.infer<typeof approver>;
/** How many of whom are asked, for a use or for a change. */
export type PeopleRule = Pick<UseRule, 'needed' | 'of' | 'rejectsEnd'>;
