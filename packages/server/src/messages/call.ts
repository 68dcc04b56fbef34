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
  { account, by }: From,
): { readonly call: StrangerCall; settle(): Promise<void> } {
  let recorded = false;
  const transact: Call['transact'] = async (work) => {
    const result = await storage.transact(async (transaction) => {
      // First: a replayed message must not even be looked at.
      if (!recorded && !(await transaction.messages.record(header.sender, header.id, header.expiresAt))) {
        throw replayed();
      }
      // A device may have been removed since its message was let in: nothing that it asks for is stored behind its removal.
      const isOfDevice = by !== null && by.may !== null;
      if (isOfDevice && !(await accounts.keepsKey(transaction, header.sender, by))) throw notAuthenticated();
      return work(transaction);
    });
    recorded = true;
    return result;
  };
  return {
    call: { account, by, sender: header.sender, transact },
    settle: async () => {
      if (!recorded) await transact(async () => undefined);
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
