import type { Remedy } from './remedy.js';

/**
 * One table classifies every error by the question "who must act?".
 * Source: docs/concepts.md, "Errors".
 */
export const ERROR_CLASSES = {
  UsageError: { blame: 'caller', httpStatus: 400, exitCode: 64, logLevel: 'info', retryable: false },
  EncodingError: { blame: 'input', httpStatus: 400, exitCode: 65, logLevel: 'info', retryable: false },
  AccessError: { blame: 'caller', httpStatus: 403, exitCode: 77, logLevel: 'warn', retryable: false },
  PolicyError: { blame: 'policy', httpStatus: 403, exitCode: 77, logLevel: 'info', retryable: true },
  StateError: { blame: 'caller', httpStatus: 409, exitCode: 75, logLevel: 'info', retryable: true },
  PeerFaultError: { blame: 'peer', httpStatus: 422, exitCode: 76, logLevel: 'warn', retryable: true },
  AvailabilityError: { blame: 'network', httpStatus: 503, exitCode: 69, logLevel: 'warn', retryable: true },
  StorageError: { blame: 'storage', httpStatus: 503, exitCode: 74, logLevel: 'error', retryable: false },
  BugError: { blame: 'us', httpStatus: 500, exitCode: 70, logLevel: 'error', retryable: false },
} as const satisfies Record<
  string,
  {
    blame: string;
    httpStatus: number;
    exitCode: number;
    logLevel: 'info' | 'warn' | 'error';
    retryable: boolean;
  }
>;

export type ErrorClass = keyof typeof ERROR_CLASSES;

/** What every error of ours carries besides its message. */
export interface ErrorDetails {
  /** Stable API: upper case words joined by `_`. Never changes meaning. */
  readonly code: string;
  /** One imperative sentence: what to do now. It names no command: whoever shows it makes one of `remedy`. */
  readonly hint: string;
  /** The same as data. */
  readonly remedy?: Remedy;
  readonly cause?: unknown;
  /** Overrides the class's HTTP status (401 instead of 403, 429 instead of 403). */
  readonly httpStatus?: number;
  /** Overrides the class's retry advice. */
  readonly retryable?: boolean;
  /** Public, structured facts (server names, slots, limits). Never a secret, never a request body. */
  readonly facts?: Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;
}

/**
 * An error with a stable `code` and a `hint`.
 * The message is lower case and says what was wrong with which thing; it never holds a secret or a request body.
 */
export class CkmError extends Error {
  readonly errorClass: ErrorClass;
  readonly code: string;
  readonly hint: string;
  readonly remedy: Remedy | null;
  readonly facts: NonNullable<ErrorDetails['facts']>;
  readonly httpStatus: number;
  readonly retryable: boolean;

  constructor(errorClass: ErrorClass, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = errorClass;
    this.errorClass = errorClass;
    this.code = details.code;
    this.hint = details.hint;
    this.remedy = details.remedy ?? null;
    this.facts = details.facts ?? {};
    this.httpStatus = details.httpStatus ?? ERROR_CLASSES[errorClass].httpStatus;
    this.retryable = details.retryable ?? ERROR_CLASSES[errorClass].retryable;
  }

  /** The process exit status of a command that ends with this error (sysexits). */
  get exitCode(): number {
    return ERROR_CLASSES[this.errorClass].exitCode;
  }
}

/** Its type is written out: what Node adds to `Error` is not for those who have no types of Node. */
function classNamed(errorClass: ErrorClass): new (message: string, details: ErrorDetails) => CkmError {
  return class extends CkmError {
    constructor(message: string, details: ErrorDetails) {
      super(errorClass, message, details);
    }
  };
}

/** Our caller used the API or the CLI wrongly. */
export class UsageError extends classNamed('UsageError') {}
/** Bytes from outside are malformed or not canonical. */
export class EncodingError extends classNamed('EncodingError') {}
/** Not authenticated, or not allowed to ask. */
export class AccessError extends classNamed('AccessError') {}
/** Allowed to ask; the answer is no, or not yet. */
export class PolicyError extends classNamed('PolicyError') {}
/** The right message at the wrong moment. */
export class StateError extends classNamed('StateError') {}
/** A participant misbehaved; `facts.culprits` names the slots. */
export class PeerFaultError extends classNamed('PeerFaultError') {}
/** Too few servers answered in time. */
export class AvailabilityError extends classNamed('AvailabilityError') {}
/** Disk or database refused, or stored data fails its check. */
export class StorageError extends classNamed('StorageError') {}
/** Cannot happen: a defect of ours. */
export class BugError extends classNamed('BugError') {}
