import { type Remedy, StateError, UsageError } from '@ckm/foundation';

export function unknown(what: string, remedy?: Remedy): UsageError {
  return new UsageError(`there is no such ${what}`, {
    code: 'OPERATOR_UNKNOWN_ID',
    hint: `list the ${what}s`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

export function ambiguous(what: string): StateError {
  return new StateError(`more than one ${what} begins like that`, {
    code: 'OPERATOR_AMBIGUOUS_ID',
    hint: 'give more digits',
    retryable: false,
  });
}
