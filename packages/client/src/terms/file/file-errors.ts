import { EncodingError } from '@ckm/foundation';

/** Every code with which a terms file is refused before anything is made of it, and what to do about it. */
const TERMS_FILE_ERRORS = {
  TERMS_FILE_TOO_LONG: 'name fewer rules, or fewer destinations in them',
  TERMS_FILE_NOT_JSON:
    'correct that place: names and texts stand in double quotes, with commas between members',
  TERMS_FILE_TWICE: 'take one of them out: only the last would count',
  TERMS_FILE_VERSION: 'begin the file with {"terms": 1, …',
  TERMS_FILE_MEMBER: 'correct the member that is named',
  TERMS_FILE_AMOUNT: 'write an amount with its unit: "0.01 BTC" or "25000 sats"',
  TERMS_FILE_SHARE: 'write a share with at most two digits behind the point: "2.5 %"',
  TERMS_FILE_TIME: 'write a length of time as "24h", "3d", "90m" or "30s"',
  TERMS_FILE_DATE: 'write a date as "2027-12-31" or "2027-12-31T18:00Z"',
  TERMS_FILE_DESTINATION: 'write an address of the network of the key, or SHA-256 of a script in hex',
} as const satisfies Record<string, string>;

export type TermsFileErrorCode = keyof typeof TERMS_FILE_ERRORS;

/** The error for a terms file: the message says what is wrong and where. @param hint another than the usual one */
export function fileRefusal(
  code: TermsFileErrorCode,
  message: string,
  hint: string = TERMS_FILE_ERRORS[code],
): EncodingError {
  return new EncodingError(message, { code, hint });
}
