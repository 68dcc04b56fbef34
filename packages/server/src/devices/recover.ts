import {
  DEVICE_PRIVILEGES,
  deviceKey,
  followDevices,
  MAX_DEVICES_NUMBER,
  recoveredDevices,
  recoveryNumber,
  recoveryNumbersUsedUp,
  signDevices,
} from '@ckm/api';
import type { PublicKeys } from '@ckm/gordian';
import type { Account } from '../accounts/accounts.js';
import type { Transaction } from '../storage/storage.js';
import { type DeviceMeans, putInForce } from './handlers.js';
import { readYoung } from './quarantine.js';
import { listInForce } from './stored-lists.js';

/**
 * Lets a new device into an account in the place of all that it has; the words stay, and undo it with the next generation (L9). What the others have begun
 * ends in the same transaction.
 * @param account held by this transaction
 * @returns what is to be done once it has committed
 * @throws StateError `RECOVERY_NUMBERS_USED_UP`
 */
export async function recoverDevices(
  means: DeviceMeans,
  transaction: Transaction,
  account: Account,
  keys: PublicKeys,
  notes: Uint8Array,
): Promise<readonly (() => Promise<void>)[]> {
  const { context } = means;
  const before = listInForce(context, account);
  if (recoveryNumber(before) > MAX_DEVICES_NUMBER) throw recoveryNumbersUsedUp();
  const list = recoveredDevices(
    before,
    deviceKey(keys, DEVICE_PRIVILEGES, notes),
    context.identity.publicKeys,
  );
  const signed = signDevices(list, context.identity);
  // By the rules that clients go by: what they would refuse never comes into force.
  followDevices(before, signed);
  const young = await readYoung(context, transaction, account.xid);
  return putInForce(means, transaction, account, young, [{ list, signed }]);
}
