import { AccessError } from '@ckm/foundation';
import {
  authenticateMessage,
  type Message,
  type PublicKeys,
  type UnauthenticatedMessage,
} from '@ckm/gordian';
import type { Account } from '../accounts/accounts.js';
import type { ServerContext } from '../context.js';

/** Whoever a message is really from. */
export interface Sender {
  readonly message: Message;
  /** What the message was verified with, and what the reply is sealed to. */
  readonly keys: PublicKeys;
  /** Null: a stranger with an introduction. */
  readonly account: Account | null;
  /** Whether it was answered before. One that is being answered right now is caught when it is recorded. */
  readonly isRepeated: boolean;
}

/**
 * Checks the signature of a message with the keys of its sender's account, or with those that a stranger introduces
 * themselves with. Unknown senders and wrong signatures end alike, and take alike: nobody learns who has an account here.
 * @throws AccessError `MESSAGE_NOT_AUTHENTICATED`.
 */
export async function authenticate(
  { storage, accounts, identity }: ServerContext,
  opened: UnauthenticatedMessage,
): Promise<Sender> {
  const { claimed, introduction } = opened;
  const { account, isRepeated } = await storage.read(async (reader) => ({
    account: await accounts.find(reader, claimed.sender),
    isRepeated: await reader.messages.seen(claimed.sender, claimed.id),
  }));
  const keys = account?.publicKeys ?? introduction;
  try {
    const message = authenticateMessage(opened, keys ?? identity.publicKeys);
    if (keys !== null) return { message, keys, account, isRepeated };
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
  }
  throw new AccessError('the message is not from anybody this server knows', {
    code: 'MESSAGE_NOT_AUTHENTICATED',
    hint: 'open an account on this server first, and sign with its key',
    httpStatus: 401,
  });
}
