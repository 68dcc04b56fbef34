import { devicesKeyName, mayStillStop } from '@ckm/api';
import { AccessError } from '@ckm/foundation';
import {
  authenticateMessage,
  type Message,
  type PublicKeys,
  type UnauthenticatedMessage,
} from '@ckm/gordian';
import type { Account, AccountKey } from '../accounts/accounts.js';
import type { ServerContext } from '../context.js';

/** Whoever a message is really from. */
export interface Sender {
  readonly message: Message;
  /** What the message was verified with, and what the reply is sealed to. */
  readonly keys: PublicKeys;
  /** Null: a stranger with an introduction. */
  readonly account: Account | null;
  /** Which key of the account it is signed with; null where there is no account. */
  readonly by: AccountKey | null;
  /** Whether it was answered before. One that is being answered right now is caught when it is recorded. */
  readonly isRepeated: boolean;
}

/**
 * Checks the signature of a message with a key of its sender's account, the words' or that of a device which it names, or with those that a stranger
 * introduces themselves with. Unknown senders, keys that are unknown, removed or somebody else's, and wrong signatures end alike, and take alike: nobody
 * learns who has an account here, or with how many keys (P9).
 * @throws AccessError `MESSAGE_NOT_AUTHENTICATED`.
 */
export async function authenticate(
  { storage, accounts, identity }: ServerContext,
  opened: UnauthenticatedMessage,
): Promise<Sender> {
  const { claimed, claimedKey, introduction } = opened;
  const name = claimedKey === null ? null : devicesKeyName(claimedKey);
  const { account, isRepeated } = await storage.read(async (reader) => ({
    account: await accounts.find(reader, claimed.sender),
    isRepeated: await reader.messages.seen(claimed.sender, claimed.id),
  }));
  const by = account === null ? null : keyOf(account, name);
  const keys = account === null ? introduction : (by?.publicKeys ?? null);
  try {
    const message = authenticateMessage(opened, keys ?? identity.publicKeys);
    if (by?.isRemoved === true && !mayStillStop(message.function)) throw notAuthenticated();
    if (keys !== null) return { message, keys, account, by, isRepeated };
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
  }
  throw notAuthenticated();
}

/** Whoever it is from, it is nobody to whom this server answers. */
export function notAuthenticated(): AccessError {
  return new AccessError('the message is not from anybody this server knows', {
    code: 'MESSAGE_NOT_AUTHENTICATED',
    hint: 'open an account on this server first, and sign with its key',
    httpStatus: 401,
  });
}

/** @param name of the key that the message names; null: it names none. Null: it is none of the account's */
function keyOf({ keys }: Account, name: string | null): AccountKey | null {
  return name === null ? keys.words : (keys.devices.get(name) ?? keys.removed.get(name) ?? null);
}
