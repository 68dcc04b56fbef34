import { z } from 'zod';
import { bytesOf, bytesUpTo, identifier, label, quorum } from '../fields/fields.js';
import { signedStatement } from './signed-statement.js';

/** What terms may let an heir do: sign with the key, or take it out of its servers as its owner can (`recover`), where it may leave. */
const heirMay = z.enum(['use', 'recover']);
export type HeirMay = z.infer<typeof heirMay>;

/** Servers of one key, besides the one that is asked. */
const MOST_OTHERS = 31;

/** How a case of silence stands at one server, for whoever the terms of its key name. */
const silenceView = z.strictObject({
  /** After so many seconds without a sign of life heirs may open a case. */
  afterSeconds: z.int().min(0),
  /** So many were counted here. */
  silentSeconds: z.int().min(0),
  case: z
    .strictObject({
      /** Who opened it, by the name in the terms. */
      heir: label(32),
      /** For so many seconds more it stays open here whatever others say; null: somebody has still to be told. */
      leftSeconds: z.int().min(0).nullable(),
    })
    .nullable(),
  quorum,
  /** XIDs of servers whose word is missing; empty: none, or there is no case. */
  missing: z.array(identifier).max(MOST_OTHERS),
  /** Whether its operator goes on without all of these. */
  isAgreed: z.boolean(),
  /** Who has had the days of the case begin anew, by the names in the terms; absent: nobody. */
  doubted: z.array(label(32)).min(1).max(32).exactOptional(),
  /** What whoever asks may do now. */
  granted: z.array(heirMay).max(2),
});
export type SilenceView = z.infer<typeof silenceView>;

/** Which key of that id is meant: `first`: transcript hash of its first epoch; null: whoever asks does not know it. */
const meantKey = { keyId: identifier, first: bytesOf(32).nullable() };

/** For everybody whom the terms name. @throws AccessError `HEIR_UNKNOWN`, also where there is no such key */
export const heirLook = { parameters: z.strictObject(meantKey), result: silenceView };

/**
 * Opens a case, if the owner has been silent for long enough here, or goes on with it.
 * @throws AccessError `HEIR_UNKNOWN`, also where there is no such key
 */
export const heirAsk = {
  parameters: z.strictObject({
    ...meantKey,
    /** Those of other servers, for which this one is to say that the time has come here. */
    nonces: z.array(bytesOf(32)).max(MOST_OTHERS),
    /** What others have said for the nonce of this one. */
    said: z.array(signedStatement).max(MOST_OTHERS),
  }),
  result: z.strictObject({
    view: silenceView,
    /** For what others are to say; null: there is no case. */
    nonce: bytesOf(32).nullable(),
    /** In the order of the nonces that were asked for; empty: the time has not come here. */
    heard: z.array(signedStatement).max(MOST_OTHERS),
    /** Signs of life that this server has heard last, where the owner is not silent for long enough: others of the key are to hear them, too. */
    alive: z.array(signedStatement).max(17),
  }),
};

/**
 * Says that the owner may live: the days of a case begin anew at this server, once for each person whom the terms name, but for whoever asks himself. Said again it
 * changes nothing.
 * @throws AccessError `HEIR_UNKNOWN`, also where there is no such key; StateError `HEIR_NOT_ASKING`
 */
export const heirDoubt = { parameters: z.strictObject(meantKey), result: silenceView };

/** What an heir may call in the place of the owner, and what of it has to be granted: any one of these is enough; of none nothing. */
const NEEDS = {
  'key.show': ['use', 'recover'],
  // Public, and what leads to the servers whose word he needs.
  'key.chain': [],
  'key.head': ['use', 'recover'],
  'key.heads': ['use', 'recover'],
  'craft.prepare': ['use'],
  'request.ask': ['use'],
  'request.cancel': ['use'],
  'session.propose': ['recover'],
  'session.join': ['recover'],
  'session.show': ['recover'],
  'session.cancel': ['recover'],
  'key.exported': ['recover'],
} as const satisfies Readonly<Record<string, readonly HeirMay[]>>;
export type HeirCallName = keyof typeof NEEDS;
export const HEIR_CALLS = Object.keys(NEEDS) as readonly HeirCallName[];

/** What of an heir has to be granted for a call: any one of these; empty: it is enough that the terms name him as heir. */
export function neededOfHeir(called: HeirCallName): readonly HeirMay[] {
  return NEEDS[called];
}

const MAX_BODY_BYTES = 2_097_152;

/**
 * Calls a function in the place of an owner who has been silent: what is granted is looked at in the transaction that does it.
 * @throws AccessError `HEIR_UNKNOWN`; PolicyError `HEIR_NOT_GRANTED`; and what the function throws
 */
export const heirUse = {
  parameters: z.strictObject({
    ...meantKey,
    called: z.enum(HEIR_CALLS),
    /** As `encodeCall` gives it. */
    body: bytesUpTo(MAX_BODY_BYTES),
  }),
  /** As `encodeReply` gives it. */
  result: z.strictObject({ body: bytesUpTo(MAX_BODY_BYTES) }),
};
