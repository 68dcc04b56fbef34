import type { AuditEntry, AuditLog } from '../../audit/audit.js';
import type { Transaction } from '../../storage/storage.js';

/** Writes down what the operator did, in the transaction that does it. */
export function note(
  audit: AuditLog,
  transaction: Transaction,
  deed: `operator.${string}`,
  sentence: string,
  more: Partial<AuditEntry> = {},
): Promise<void> {
  return audit.append(transaction, {
    deed,
    who: null,
    keyId: null,
    subject: null,
    sentence,
    verdict: 'done',
    policy: '',
    detail: '',
    ...more,
  });
}
