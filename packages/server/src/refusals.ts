import { AccessError, PolicyError, StateError, UsageError } from '@ckm/foundation';

/** Every code with which this room refuses, the class of the error and what to do about it. */
const REFUSALS = {
  SESSION_UNKNOWN: [StateError, 'list your sessions on this server', { httpStatus: 410, retryable: false }],
  SESSION_ID_TAKEN: [StateError, 'start again with a new session id', { retryable: false }],
  SESSION_DIFFERS: [StateError, 'start again with a new session', { retryable: false }],
  SESSION_NOT_ACCEPTED: [StateError, 'show the session and go on from where it is', { retryable: false }],
  SESSION_NOT_JOINED: [StateError, 'hand over the parameters of the key first', { retryable: false }],
  SESSION_NOT_WAITING: [StateError, 'list the sessions that wait', { retryable: false }],
  SESSION_WORDS_WRONG: [UsageError, 'have the owner of the key read the six words to you', {}],
  SILENCE_NOT_AS_SEEN: [StateError, 'look at how the case stands once more', { retryable: false }],
  SILENCE_HEARD_TOO_FEW: [
    StateError,
    'let the heir ask at all servers first; then look whose word is missing, and ask those operators',
    { retryable: false },
  ],
  SESSION_NOT_AS_SEEN: [StateError, 'look at the session once more', { retryable: false }],
  CEREMONY_UNKNOWN: [UsageError, 'compare the versions of client and server', {}],
  EXPIRY_PASSED: [UsageError, 'choose a time in the future, and check the clock', {}],
  EXPIRY_TOO_FAR: [UsageError, 'choose an earlier expiry', {}],
  PARAMETERS_DIFFER: [StateError, 'hand over exactly what was proposed and offered', { retryable: false }],
  KEY_ID_TAKEN: [StateError, 'start again with a new key id', { retryable: false }],
  PUBLIC_KEY_TAKEN: [
    StateError,
    'use the key that is there; a key that shall serve something else is made anew',
    { retryable: false },
  ],
  KEY_UNKNOWN: [AccessError, 'list your keys on this server', { httpStatus: 404 }],
  KEY_OWNER_MISSING: [
    StateError,
    'give the key terms first that say which key its owner has',
    { retryable: false },
  ],
  KEY_EPOCH_DIFFERS: [StateError, 'fetch the key again from its servers', { retryable: false }],
  KEY_NOT_CERTIFIED: [StateError, 'present the certificate of the key first', { retryable: false }],
  CERTIFICATE_OF_ANOTHER_KEY: [StateError, 'present the certificate of this very key', { retryable: false }],
  CHAIN_NOT_SHOWN: [
    StateError,
    'show the certificates behind the epoch that is named, page by page (key.learn), or from the first one on',
    { retryable: false },
  ],
  CHAIN_TOO_LONG: [
    PolicyError,
    'make another key with that server among its servers from the beginning',
    { retryable: false },
  ],
  POLICY_NOT_CERTIFIED: [StateError, 'show the policy that was certified with the key', { retryable: false }],
  TERMS_DIFFER: [
    StateError,
    'show every server of the key the terms that are in force, then ask once more',
    { retryable: false },
  ],
  TERMS_VERSION_WRONG: [
    UsageError,
    'make the key with terms that have neither number nor hash of others',
    {},
  ],
  KEY_NOT_RESTORABLE: [
    StateError,
    'have the other servers of the key give it back: this one has no static backup, or the key has another owner',
    { retryable: false },
  ],
  CHANGE_CANNOT_DEAL: [StateError, 'let other servers of the key deal', { retryable: false }],
  SHARE_NOT_LOST: [StateError, 'check the key: this server has its share', { retryable: false }],
  SHARE_RESTORABLE: [
    StateError,
    'restore it from the certificate, which needs nobody else',
    { retryable: false },
  ],
  REPAIR_SERVED: [
    StateError,
    'ask the operator of this server to agree to another repair, or change the epoch of the key',
    { retryable: false },
  ],
  KIND_NOT_FOR_PURPOSE: [
    PolicyError,
    'allow only kinds that belong to the purpose of the key',
    { retryable: false },
  ],
  POLICY_RECOVERY: [
    PolicyError,
    'make the key with recovery epoch, or choose a server whose operator allows static',
    { retryable: false },
  ],
  KEY_IS_FOR_DRILLS: [
    PolicyError,
    'use another key: one of a drill is made, repaired, signs one fixed text and is forgotten, and does nothing else',
    { retryable: false },
  ],
  DRILLS_TOO_MANY: [
    PolicyError,
    'go on with the drills that were left; one that is a week old is forgotten when the next begins',
    { httpStatus: 429, retryable: false },
  ],
  NO_KEY_OF_A_DRILL: [
    PolicyError,
    'nothing was done; a drill touches no key but its own',
    { retryable: false },
  ],
  KEY_NOT_EXPORTABLE: [
    PolicyError,
    'sign with it where it is, or make another key with leave to export it',
    { retryable: false },
  ],
  EXPORT_OPEN: [StateError, 'finish the export that goes on, or cancel it', { retryable: false }],
  EXPORT_AFTER_RESTORE: [
    StateError,
    'refresh the key, after which this server knows what the others do; or take the shares of others',
    { retryable: false },
  ],
  EXPORT_PEOPLE_MISSING: [PolicyError, 'have those people say yes, and ask again', { retryable: true }],
  PURPOSE_GIVES_SECRETS: [
    PolicyError,
    'make a key for this purpose without leave to export it',
    { retryable: false },
  ],
  PURPOSE_NEEDS_CHILDREN: [
    PolicyError,
    'make a key for this purpose without leave to export it, or one for another purpose',
    { retryable: false },
  ],
  KEY_LEFT: [StateError, 'fetch the key again from its servers', { retryable: false }],
  KEY_HEAD_UNKNOWN: [
    StateError,
    'ask the other servers of the key how far it is, and show this one what they say',
    { retryable: false },
  ],
  HEADS_TOO_FEW: [
    StateError,
    'ask the servers that are missing how far the key is, or have the operator of this one release it',
    { retryable: false },
  ],
  COUNTS_TOO_FEW: [
    StateError,
    'ask the servers that are missing how often the key was used, wait until this one knows by itself, or have its operator release it',
    { retryable: false },
  ],
  KEY_FORKED: [
    StateError,
    'do not use this key for anything new; ask the servers named why they signed twice, then settle which certificate counts',
    { retryable: false },
  ],
  CHANGE_SETTLED: [
    StateError,
    'go on by the certificate on which the servers settled: no other one counts any more',
    { retryable: false },
  ],
  SETTLEMENT_INVALID: [
    UsageError,
    'show all the certificates of that epoch that servers have, each of them once',
    {},
  ],
  CHANGE_UNKNOWN: [StateError, 'propose the change to this server first', { retryable: false }],
  WORDS_ONLY: [
    AccessError,
    'order it with the words of the account, on whichever machine they are typed',
    {},
  ],
  CHANGE_NOT_MEMBER: [StateError, 'ask the servers of the key, and those that join it', { retryable: false }],
  CHANGE_SERVER_FALSE: [UsageError, 'name each server by its own XID and identity key', {}],
  CHANGE_REFUSED: [StateError, 'look how far the change is, and go on from there', { retryable: false }],
  CHANGE_NOT_WAITING: [StateError, 'list the changes that wait', { retryable: false }],
  CHANGE_WORDS_WRONG: [UsageError, 'have the owner of the key read the six words of the change to you', {}],
  CHANGE_SHARE_LOST: [StateError, 'have the share of this server repaired', { retryable: false }],
  EPOCH_IN_USE: [StateError, 'bring the certificate of the next epoch first', { retryable: false }],
  ACKNOWLEDGEMENTS_TOO_FEW: [
    StateError,
    'bring the certificate of the next epoch to the servers that are missing',
    { retryable: false },
  ],
  TERMS_BEHIND: [
    StateError,
    'bring this server the changes of the terms that it has missed (terms.learn), with what the others say',
    { retryable: false },
  ],
  TERMS_CHANGE_UNKNOWN: [StateError, 'show the terms of the key, and what waits', { retryable: false }],
  TERMS_CHANGE_OVER: [StateError, 'propose the terms anew', { retryable: false }],
  TERMS_TWICE: [
    StateError,
    'do not go on from either: find out which device made the other one, and take it out',
    { retryable: false },
  ],
  TERMS_SAME: [UsageError, 'change something in them', {}],
  TERMS_NOT_VOUCHED: [
    StateError,
    'show it what other servers of the key say of their terms, or the votes on the change; or propose it there (terms.propose)',
    { retryable: false },
  ],
  TERMS_NOT_TAKEN_BACK: [
    StateError,
    'show this server what the others say of their terms (terms.learn), or have them go over to what it has',
    { retryable: false },
  ],
  TERMS_TOO_OFTEN: [
    StateError,
    'take out the device that changes them without end; else wait for a day, or let the words change them',
    { retryable: false },
  ],
  TERMS_TOO_MANY: [
    StateError,
    'take out the device that proposes without end, or wait for fourteen days',
    { retryable: false },
  ],
  TERMS_PART_FIXED: [PolicyError, 'leave it as it is, or make another key', { retryable: false }],
  TERMS_PASSKEY_UNUSABLE: [
    UsageError,
    'have the approver make another passkey: ES256, EdDSA, or RS256 with 2,048 to 4,096 bits',
    {},
  ],
  REQUEST_UNKNOWN: [UsageError, 'check the id of the request', {}],
  REQUEST_DIFFERS: [StateError, 'ask again with a new request id', { retryable: false }],
  REQUEST_NOT_WAITING: [StateError, 'list the requests that wait', { retryable: false }],
  REQUEST_NOT_AS_SEEN: [StateError, 'look at the request once more', { retryable: false }],
  REQUEST_AMBIGUOUS: [
    StateError,
    'say whose you mean',
    { retryable: false, remedy: { kind: 'nameAccount' } },
  ],
  ATTEMPT_DIFFERS: [
    StateError,
    'make another attempt with a new number and new commitments',
    { retryable: false },
  ],
  ATTEMPT_INVALID: [
    UsageError,
    'name the signers in slot order, with one commitment of each for every task',
    {},
  ],
} as const;

export type SessionCode = keyof typeof REFUSALS;

/** The error for a code; `message` says what was wrong with which thing and quotes nothing secret. */
export function refusal(
  code: SessionCode,
  message: string,
  facts: Readonly<Record<string, string | number>> = {},
): AccessError | PolicyError | StateError | UsageError {
  const [ErrorOfClass, hint, details] = REFUSALS[code];
  return new ErrorOfClass(message, { code, hint, facts, ...details });
}

/** Throws {@link refusal} unless `condition` holds. */
export function demand(condition: boolean, code: SessionCode, message: string): asserts condition {
  if (!condition) throw refusal(code, message);
}
