import type { CkmError } from '@ckm/foundation';
import { type AuditLog, ROLLBACK } from '../audit/audit.js';
import type { ServerConfig } from '../config/config.js';
import { describeTightening, nameServerPolicy } from '../policy/describe-policy.js';
import type { Storage } from '../storage/storage.js';

/** With the policy of the whole server, if it has one: verdicts only name it. */
function describeStart({ version, policy }: ServerConfig): string {
  const name = nameServerPolicy(policy);
  return `version ${version}${name === null ? '' : `, policy ${name}: ${describeTightening(policy)}`}`;
}

/** Writes that the server starts, and by what the log is shorter than it was. Two replicas may write the very first entry at the same moment: one of them then tries again. */
export async function auditStart(
  storage: Storage,
  audit: AuditLog,
  config: ServerConfig,
  gap: string | null,
): Promise<void> {
  const write = () =>
    storage.transact(async (transaction) => {
      const entry = { who: null, keyId: null, subject: null, policy: '' };
      await audit.append(transaction, {
        ...entry,
        deed: 'server.start',
        sentence: 'Start the server',
        verdict: 'done',
        detail: describeStart(config),
      });
      if (gap === null) return;
      await audit.append(transaction, {
        ...entry,
        deed: ROLLBACK,
        sentence: 'The database was put back to an earlier state, or exchanged',
        verdict: 'failed',
        detail: gap,
      });
    });
  await write().catch((error: unknown) => {
    if ((error as Partial<CkmError>).code === 'ROW_EXISTS') return write();
    throw error;
  });
}
