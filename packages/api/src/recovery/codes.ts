import { AccessError, EncodingError, PolicyError, StateError, UsageError } from '@ckm/foundation';

/** Every code of an error about contacts and ways back into an account. */
const RECOVERY_CODES = [
  'CONTACT_CODE_WRONG',
  'CONTACT_MAIL_OFF',
  'CONTACT_OPERATOR_MISSING',
  'CONTACT_THERE',
  'CONTACTS_REST',
  'CONTACT_UNKNOWN',
  'CONTACTS_TOO_MANY',
  'RECOVERY_ACCOUNT_SUSPENDED',
  'RECOVERY_ASKER_KNOWN',
  'RECOVERY_EARLY',
  'RECOVERY_ENDED',
  'RECOVERY_NOT_PROVEN',
  'RECOVERY_NUMBERS_USED_UP',
  'RECOVERY_OTHER',
  'RECOVERY_REQUEST_INVALID',
  'RECOVERY_TOO_OFTEN',
  'RECOVERY_UNKNOWN',
  'RECOVERY_WORDS_WRONG',
  'VOUCHER_INVALID',
] as const;
export type RecoveryCode = (typeof RECOVERY_CODES)[number];

/** What is said of a contact that is not there, whoever's it would be. */
export function contactUnknown(): UsageError {
  return new UsageError('your account has no such contact here', {
    code: 'CONTACT_UNKNOWN' satisfies RecoveryCode,
    hint: 'look which contacts there are',
  });
}

export function contactCodeWrong(): AccessError {
  return new AccessError('the contact is not shown: the code is wrong or too old, or was tried too often', {
    code: 'CONTACT_CODE_WRONG' satisfies RecoveryCode,
    hint: 'take the newest code; after several wrong ones wait a day, or set the contact anew',
  });
}

export function contactMailOff(): PolicyError {
  return new PolicyError('this server sends no e-mail', {
    code: 'CONTACT_MAIL_OFF' satisfies RecoveryCode,
    hint: 'choose another kind of contact, or ask its operator to set up mail',
  });
}

export function contactsRest(): StateError {
  return new StateError(
    'two contacts, or the operator in person, are bringing the owner of this account back',
    {
      code: 'CONTACTS_REST' satisfies RecoveryCode,
      hint: 'say no to the recovery with the words if it is not yours, or wait until it is over: until then no device changes contacts',
      retryable: false,
    },
  );
}

export function contactOperatorMissing(): AccessError {
  return new AccessError('the account has not named its operator as a contact', {
    code: 'CONTACT_OPERATOR_MISSING' satisfies RecoveryCode,
    hint: 'its owner names one beforehand; without that, its other contacts or its words bring it back',
  });
}

/** Two of one kind would be shown by one proof. */
export function contactThere(): StateError {
  return new StateError('this is a contact of the account already', {
    code: 'CONTACT_THERE' satisfies RecoveryCode,
    hint: 'name another one; if the one that is there leaves, have it stay',
    retryable: false,
  });
}

export function tooManyContacts(most: number): StateError {
  return new StateError(`an account has at most ${most} contacts`, {
    code: 'CONTACTS_TOO_MANY' satisfies RecoveryCode,
    hint: 'remove one first',
    retryable: false,
    facts: { limit: most },
  });
}

/** The one answer to every proof that does not hold, whether or not there is such a contact, or such an account (P9). */
export function recoveryNotProven(): AccessError {
  return new AccessError('that shows nobody to be a contact of an account here', {
    code: 'RECOVERY_NOT_PROVEN' satisfies RecoveryCode,
    hint: 'compare name and code, and take the newest code; where many were tried, show the next one, too',
  });
}

export function recoveryTooOften(): PolicyError {
  return new PolicyError('too many try to recover accounts here just now', {
    code: 'RECOVERY_TOO_OFTEN' satisfies RecoveryCode,
    hint: 'wait a minute, then go on',
    httpStatus: 429,
  });
}

export function recoveryUnknown(): StateError {
  return new StateError('there is no recovery for this key here', {
    code: 'RECOVERY_UNKNOWN' satisfies RecoveryCode,
    hint: 'begin it: show a contact of the account first',
    retryable: false,
  });
}

export function recoveryAskerKnown(): UsageError {
  return new UsageError('a key that belongs to an account asks to recover one', {
    code: 'RECOVERY_ASKER_KNOWN' satisfies RecoveryCode,
    hint: 'recover it from a new folder: a recovery is asked for with a key that is new',
  });
}

/** @param readyAt UnixSeconds, if the server runs on */
export function recoveryEarly(readyAt: number): StateError {
  return new StateError('the recovery still waits, so that others of the account can say no', {
    code: 'RECOVERY_EARLY' satisfies RecoveryCode,
    hint: 'go on with it when the time is over',
    facts: { readyAt },
  });
}

export function recoveryEnded(how: 'vetoed' | 'over' | 'done'): StateError {
  return new StateError(`the recovery is over: ${ENDED[how]}`, {
    code: 'RECOVERY_ENDED' satisfies RecoveryCode,
    hint:
      how === 'vetoed'
        ? 'show one more contact of the account, or speak to its operator; else begin anew after seven days'
        : 'begin another one with a new key',
    retryable: false,
    facts: { how },
  });
}

const ENDED = {
  vetoed: 'somebody of the account has said no, or another one has more contacts',
  over: 'it was not finished in time, or another one was, or its contact is gone',
  done: 'it was finished',
} as const;

export function recoveryOther(): StateError {
  return new StateError('another recovery of this account is under way, by as many contacts or more', {
    code: 'RECOVERY_OTHER' satisfies RecoveryCode,
    hint: 'if it is not yours, show one more contact of the account: whoever shows more comes before it; with this one alone, say no to it',
    retryable: false,
  });
}

export function recoverySuspended(): AccessError {
  return new AccessError('the operator has suspended this account', {
    code: 'RECOVERY_ACCOUNT_SUSPENDED' satisfies RecoveryCode,
    hint: 'ask the operator of this server',
  });
}

export function recoveryNumbersUsedUp(): StateError {
  return new StateError('the list of devices has no number left for a recovery', {
    code: 'RECOVERY_NUMBERS_USED_UP' satisfies RecoveryCode,
    hint: 'take the words: they begin a new generation of the list',
    retryable: false,
  });
}

export function recoveryRequestInvalid(why: string): EncodingError {
  return new EncodingError(`what asks for a voucher cannot be taken: ${why}`, {
    code: 'RECOVERY_REQUEST_INVALID' satisfies RecoveryCode,
    hint: 'have it written anew, and bring the whole of it',
  });
}

export function recoveryWordsWrong(): UsageError {
  return new UsageError('the six words are not those of the key that asks', {
    code: 'RECOVERY_WORDS_WRONG' satisfies RecoveryCode,
    hint: 'have the person who stands before you read them out from the new device',
  });
}

export function voucherInvalid(why: string): EncodingError {
  return new EncodingError(`a voucher cannot be taken: ${why}`, {
    code: 'VOUCHER_INVALID' satisfies RecoveryCode,
    hint: 'have it made anew, for this very server and key',
  });
}
