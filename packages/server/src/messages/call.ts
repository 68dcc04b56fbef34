import { StateError } from '@ckm/foundation';
import type { MessageHeader } from '@ckm/gordian';
import type { Account } from '../accounts/accounts.js';
import type { Call, ServerContext } from '../context.js';

/** A call whose account may be missing still: `account.open`. */
export type StrangerCall = Omit<Call, 'account'> & {
  readonly account: Account | null;
  readonly sender: Uint8Array;
};

/**
 * One message being answered. `settle` records it when no transaction of its handler did: a message that was only a
 * question, or was refused, is not answered a second time either.
 */
export function createCall(
  { storage }: Pick<ServerContext, 'storage'>,
  header: MessageHeader,
  account: Account | null,
): { readonly call: StrangerCall; settle(): Promise<void> } {
  let recorded = false;
  const transact: Call['transact'] = async (work) => {
    const result = await storage.transact(async (transaction) => {
      // First: a replayed message must not even be looked at.
      if (!recorded && !(await transaction.messages.record(header.sender, header.id, header.expiresAt))) {
        throw replayed();
      }
      return work(transaction);
    });
    recorded = true;
    return result;
  };
  return {
    call: { account, sender: header.sender, transact },
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
