import type { SigningRequest } from '@ckm/api';
import type { AuditEntry } from '../audit/audit.js';
import type { ServerContext } from '../context.js';
import type { Transaction } from '../storage/storage.js';
import type { Admission } from './admission.js';
import type { AttemptRecord, StoredRequest } from './request-record.js';

/** The audit row of a request: what people read, never what is signed. */
export function requestEntry(
  { owner, keyId, requestId }: Pick<StoredRequest['row'], 'owner' | 'keyId' | 'requestId'>,
  rest: Pick<AuditEntry, 'deed' | 'sentence' | 'verdict' | 'policy' | 'detail'> & {
    readonly who?: Uint8Array | null;
  },
): AuditEntry {
  return { who: owner, keyId, subject: requestId, ...rest };
}

/** One row for everything that one message led to; none when it changed nothing. */
export async function auditAttempt(
  context: ServerContext,
  transaction: Transaction,
  {
    request,
    admission,
    attempt,
  }: {
    readonly request: SigningRequest;
    readonly admission: Extract<Admission, { kind: 'admitted' }>;
    readonly attempt: AttemptRecord | 'stale' | null;
  },
): Promise<void> {
  const { stored } = admission;
  const made = attempt !== null && attempt !== 'stale';
  if (!admission.fresh && !made) return;
  const failed = made && attempt.problem !== null;
  await context.audit.append(
    transaction,
    requestEntry(stored.row, {
      deed: admission.fresh ? 'sign.request' : 'sign.attempt',
      sentence: stored.record.sentence,
      verdict: failed ? 'failed' : 'allowed',
      policy: admission.policy,
      detail: describeAttempt(request, attempt),
    }),
  );
}

function describeAttempt({ kind, attempt }: SigningRequest, made: AttemptRecord | 'stale' | null): string {
  if (attempt === null || made === null) return kind;
  const head = `${kind}, attempt ${attempt.number} with slots ${attempt.signers.join(' ')}`;
  if (made === 'stale') return `${head}: commitments unknown`;
  return made.problem === null ? `${head}: shares ${made.shares.length}` : `${head}: ${made.problem.code}`;
}
