import { EncodingError, type ErrorDetails } from '@ckm/foundation';

/** Every code with which terms of a key are refused, and what to do about it. */
export const TERMS_ERRORS = {
  TERMS_INVALID: 'correct the member that is named',
  TERMS_KIND_UNKNOWN: 'name kinds of requests that this version knows',
  TERMS_FACT_UNKNOWN: 'compare what requests of the kinds named say by their bytes',
  TERMS_COMPARISON_WRONG: 'compare a number with atMost or above, and a text with among or beyond',
  TERMS_RULE_IMPOSSIBLE: 'let some request fit the rule, and ask no more people than it names',
  TERMS_APPROVER_UNKNOWN: 'list everybody who is named among the approvers',
  TERMS_APPROVER_TWICE: 'list each person once, with keys that nobody else has',
  TERMS_CHANGE_MISSING: 'say who may change the terms, and certify a key of the owner',
  TERMS_CHANGE_UNGUARDED: 'ask somebody for a change of the terms, or let it wait for a day',
  TERMS_LOCK_OUT:
    'ask fewer people for a change than there are, or let the words change the terms after a delay',
  TERMS_VERSION_WRONG: 'give the terms the number behind those in force, and the hash of those',
  TERMS_STATEMENT_INVALID: 'propose the change of the terms anew',
} as const satisfies Record<string, string>;

export type TermsErrorCode = keyof typeof TERMS_ERRORS;

/** The error for terms that are refused: the message says what is wrong with which part. */
export function termsRefusal(
  code: TermsErrorCode,
  message: string,
  facts: NonNullable<ErrorDetails['facts']> = {},
): EncodingError {
  return new EncodingError(message, { code, hint: TERMS_ERRORS[code], facts });
}
