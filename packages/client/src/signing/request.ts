import { UsageError } from '@ckm/foundation';
import {
  type Description,
  type EvaluationResult,
  frostResults,
  type RequestDetails,
  requestKind,
  type Spending,
  type Task,
} from '@ckm/requests';
import type { CertifiedKey } from '../keys/key-record.js';
import { markNewPayees } from '../keys/payees.js';
import { assertNoneHidden, warnOfSpentCoins } from '../keys/spent-coins.js';

/** A request as this client understands it, from the same bytes the servers get. */
export interface UnderstoodRequest {
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly description: Description;
  readonly tasks: readonly Task[];
  /** For programs. */
  readonly details: RequestDetails | null;
  readonly spending: Spending | null;
  /** Puts the signatures where they belong, each checked by a verifier that shares no code with the signers. */
  finish(signatures: readonly Uint8Array[]): Uint8Array;
  /** The same with what an evaluation gave: a secret, which the caller wipes. */
  finishWith(results: readonly EvaluationResult[]): Uint8Array;
  /** What comes of it is a secret, which is written nowhere. */
  readonly isSecret: boolean;
}

/** What somebody wants signed. */
export interface WantedRequest {
  /** A request kind. */
  readonly kind: string;
  readonly payload: Uint8Array;
  /** Whether no server has it yet: then what its owner knows is added first, see `complete` of its kind. */
  readonly isNew: boolean;
  /** What its owner calls the file that is signed; of the description alone. */
  readonly fileName?: string | undefined;
}

/**
 * Reads, describes and checks a request for a key. Nothing is sent.
 * @param now seconds since 1970
 * @throws whatever the request kind throws; UsageError `REQUEST_KIND_UNKNOWN`
 */
export function understand(
  key: CertifiedKey,
  { kind: kindName, payload, isNew, fileName }: WantedRequest,
  now: number,
): UnderstoodRequest {
  const kind = requestKind(kindName);
  if (payload.length > kind.maxBytes) throw tooLong(kindName, kind.maxBytes);
  // What servers get are the bytes that were read here, whatever their caller does with his afterwards.
  const given = payload.slice();
  const context = { ...key.context, now, ...(fileName === undefined ? {} : { fileName }) };
  const own = isNew ? (kind.complete?.(given, context) ?? given) : given;
  const parsed = kind.parse(own);
  const told = withDoubts(parsed.describe(context), parsed.doubts(context));
  const spending = parsed.spends(context);
  assertNoneHidden(spending, key.record);
  return {
    kind: kindName,
    payload: own,
    description: warnOfSpentCoins(markNewPayees(told, key.record), spending, key.record),
    tasks: parsed.tasks(context),
    details: parsed.details(context),
    spending,
    finish: (signatures) => parsed.finish(context, frostResults(signatures)),
    finishWith: (results) => parsed.finish(context, results),
    isSecret: kind.resultIsSecret === true,
  };
}

function withDoubts(description: Description, doubts: Description['warnings']): Description {
  return { ...description, warnings: [...description.warnings, ...doubts] };
}

function tooLong(kind: string, maxBytes: number): UsageError {
  return new UsageError(`a request of kind ${kind} has at most ${maxBytes} bytes`, {
    code: 'REQUEST_TOO_LONG',
    hint: 'sign something shorter, such as a list of digests',
  });
}
