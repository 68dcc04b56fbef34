import { encodeHex, type Remedy, StateError, UsageError } from '@ckm/foundation';

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

/** As the columns of a policy are called. */
const WORDS: Readonly<Record<string, string>> = {
  rateLimit: 'rate',
  expiresAt: 'until',
  blindAllowed: 'blind signing',
};

function inWords(settings: readonly string[]): string {
  return settings.map((setting) => WORDS[setting] ?? setting).join(', ');
}

/** @param settings that would let more through than before */
export function loosens(keyId: Uint8Array, settings: readonly string[]): UsageError {
  return new UsageError(`this would allow more than before: ${inWords(settings)}`, {
    code: 'OPERATOR_LOOSENS',
    hint: 'tightening only takes away; to allow more again, loosen the policy',
    facts: { settings: [...settings] },
    remedy: { kind: 'loosenKey', id: encodeHex(keyId) },
  });
}

/** @param settings that would let less through than before */
export function tightens(keyId: Uint8Array, settings: readonly string[]): UsageError {
  return new UsageError(`this would allow less than before: ${inWords(settings)}`, {
    code: 'OPERATOR_TIGHTENS',
    hint: 'loosening only gives back; to allow less, tighten the policy',
    facts: { settings: [...settings] },
    remedy: { kind: 'tightenKey', id: encodeHex(keyId) },
  });
}
