import type { RequestAsk } from '@ckm/api';
import type { AuditEntry } from '../audit/audit.js';
import { craftNamed, type Crafts } from '../crafts/craft.js';
import type { Transaction } from '../storage/storage.js';
import type { RequestMeans } from './means.js';
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
  { context, crafts }: RequestMeans,
  transaction: Transaction,
  {
    request,
    admission,
    attempt,
  }: {
    readonly request: RequestAsk;
    readonly admission: { readonly stored: StoredRequest; readonly fresh: boolean; readonly policy: string };
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
      deed: admission.fresh ? 'request.ask' : 'request.attempt',
      sentence: stored.record.sentence,
      verdict: failed ? 'failed' : 'allowed',
      policy: admission.policy,
      detail: describeAttempt(crafts, request, attempt),
    }),
  );
}

function describeAttempt(
  crafts: Crafts,
  { kind, attempt }: RequestAsk,
  made: AttemptRecord | 'stale' | null,
): string {
  if (attempt === null || made === null) return kind;
  const craft = craftNamed(crafts, attempt.craft);
  const head = `${kind}, attempt ${attempt.number} with ${craft.describeAttempt(attempt)}`;
  if (made === 'stale') return `${head}: commitments unknown`;
  if (made.problem !== null) return `${head}: ${made.problem.code}`;
  return made.answer === null ? head : `${head}: ${craft.describeAnswer(made.answer)}`;
}
