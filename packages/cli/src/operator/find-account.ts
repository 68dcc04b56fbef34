import { StateError, UsageError } from '@ckm/foundation';
import type { Operator, OperatorAccount } from '@ckm/server';

/** Every account of a server. */
export async function listAccounts(operator: Operator): Promise<OperatorAccount[]> {
  const all: OperatorAccount[] = [];
  for (let after: string | undefined; ;) {
    const { accounts, next } = await operator.accounts({ after });
    all.push(...accounts);
    if (next === null) return all;
    after = next;
  }
}

/** The account whose XID begins like that. */
export async function findAccount(operator: Operator, xid: string): Promise<OperatorAccount> {
  const prefix = xid.toLowerCase();
  const found = /^[0-9a-f]{4,64}$/.test(prefix)
    ? (await listAccounts(operator)).filter((account) => account.xid.startsWith(prefix))
    : [];
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    throw new StateError('more than one account begins like that', {
      code: 'OPERATOR_AMBIGUOUS_ID',
      hint: 'give more digits',
      retryable: false,
    });
  }
  throw new UsageError(`no account begins with ${xid.slice(0, 64)}`, {
    code: 'OPERATOR_UNKNOWN_ID',
    hint: 'list them with: ckm server accounts list FOLDER',
  });
}
