import { type FunctionName, waitsWhileFrozen } from '@ckm/api';
import { StateError } from '@ckm/foundation';
import type { MessageHeader } from '@ckm/gordian';
import type { Account, AccountKey } from '../accounts/accounts.js';
import type { Call, ServerContext } from '../context.js';
import { notAuthenticated } from './authenticate.js';

/** A call whose account may be missing still: `account.open`. */
export type StrangerCall = Omit<Call, 'account' | 'by'> & {
  readonly account: Account | null;
  readonly by: AccountKey | null;
  readonly sender: Uint8Array;
};

/** What a message does in one transaction. */
type Work<T> = Parameters<ServerContext['storage']['transact']>[0] extends (transaction: infer R) => unknown
  ? (transaction: R) => Promise<T>
  : never;

/** Whose message it is, and which key of his it is signed with; null: a stranger's. */
interface From {
  readonly account: Account | null;
  readonly by: AccountKey | null;
}

/**
 * One message being answered. `settle` records it when no transaction of its handler did: a message that was only a
 * question, or was refused, is not answered a second time either.
 */
export function createCall(
  { storage, accounts }: Pick<ServerContext, 'storage' | 'accounts'>,
  header: MessageHeader,
  name: FunctionName,
  { account, by }: From,
): { readonly call: StrangerCall; settle(as: 'answered' | 'refused'): Promise<void> } {
  let recorded = false;
  const record = async <T>(as: 'answered' | 'refused', work: Work<T>): Promise<T> => {
    const result = await storage.transact(async (transaction) => {
      // First: a replayed message must not even be looked at.
      if (!recorded && !(await transaction.messages.record(header.sender, header.id, header.expiresAt))) {
        throw replayed();
      }
      // A device may have been removed since its message was let in: nothing that it asks for is stored behind its removal.
      const isOfDevice = by !== null && by.may !== null;
      if (isOfDevice && !(await accounts.keepsKey(transaction, header.sender, by))) throw notAuthenticated();
      // So may the account have been frozen: nothing leaves behind that which would have waited. What is refused is only recorded.
      if (account !== null && as === 'answered' && waitsWhileFrozen(name))
        await accounts.assertGoesOn(transaction, header.sender);
      return work(transaction);
    });
    recorded = true;
    return result;
  };
  const transact: Call['transact'] = (work) => record('answered', work);
  return {
    call: { account, by, sender: header.sender, transact },
    settle: async (as) => {
      if (!recorded) await record(as, async () => undefined);
    },
  };
}

/** To whom a message is repeated that was answered already. */
export function replayed(): StateError {
  return new StateError('this message was answered before', {
    code: 'MESSAGE_REPLAYED',
    hint: 'send a new message; repeating a request under its own id is safe',
    retryable: false,
  });
}
