import type { KeyTerms } from '@ckm/api';
import type { CertifiedKey } from '../keys/key-record.js';
import type { Destination, RequestRecord } from '../requests/request-record.js';
import { markSpending } from '../store/marks.js';
import type { UnderstoodRequest } from './request.js';

const LIFETIME_SECONDS = 3_600;
const LIFETIME_WITH_PEOPLE_SECONDS = 7 * 86_400;

/** How long servers keep a request where nobody says so. */
export function lifetimeFor(policy: KeyTerms): number {
  const isAsked = policy.approval === 'operator' || (policy.approvals ?? []).length > 0;
  return isAsked ? LIFETIME_WITH_PEOPLE_SECONDS : LIFETIME_SECONDS;
}

/** The record of a request that no server has heard of. */
export function newRequest(args: {
  readonly key: CertifiedKey;
  readonly request: UnderstoodRequest;
  readonly requestId: Uint8Array;
  readonly now: number;
  readonly expiresAt: number;
  readonly without: readonly string[];
  readonly destination: Destination | null;
}): RequestRecord {
  return {
    requestId: args.requestId,
    state: 'open',
    createdAt: args.now,
    expiresAt: args.expiresAt,
    reason: null,
    keyName: args.key.record.name,
    keyId: args.key.keyId,
    kind: args.request.kind,
    payload: args.request.payload,
    sentence: args.request.description.sentence,
    without: args.without,
    attempts: 0,
    artefact: null,
    destination: args.destination,
    spends: args.request.spending === null ? null : markSpending(args.request.spending),
    refusals: [],
  };
}
