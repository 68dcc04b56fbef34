import { UsageError } from '@ckm/foundation';
import { type Description, frostResults, requestKind, type Task } from '@ckm/requests';
import type { CertifiedKey } from '../keys/key-record.js';
import { markNewPayees } from '../keys/payees.js';

/** A request as this client understands it, from the same bytes the servers get. */
export interface UnderstoodRequest {
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly description: Description;
  readonly tasks: readonly Task[];
  /** Puts the signatures where they belong, each checked by a verifier that shares no code with the signers. */
  finish(signatures: readonly Uint8Array[]): Uint8Array;
}

/**
 * Reads, describes and checks a request for a key. Nothing is sent.
 * @throws whatever the request kind throws; UsageError `REQUEST_KIND_UNKNOWN`
 */
export function understand(key: CertifiedKey, kindName: string, payload: Uint8Array): UnderstoodRequest {
  const kind = requestKind(kindName);
  if (payload.length > kind.maxBytes) throw tooLong(kindName, kind.maxBytes);
  // What servers get are the bytes that were read here, whatever their caller does with his afterwards.
  const own = payload.slice();
  const parsed = kind.parse(own);
  return {
    kind: kindName,
    payload: own,
    description: markNewPayees(parsed.describe(key.context), key.record),
    tasks: parsed.tasks(key.context),
    finish: (signatures) => parsed.finish(key.context, frostResults(signatures)),
  };
}

function tooLong(kind: string, maxBytes: number): UsageError {
  return new UsageError(`a request of kind ${kind} has at most ${maxBytes} bytes`, {
    code: 'REQUEST_TOO_LONG',
    hint: 'sign something shorter, such as a list of digests',
  });
}
