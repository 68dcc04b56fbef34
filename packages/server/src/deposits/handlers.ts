import { depositReceipt, deviceTooYoung, MAX_DEPOSITS, type Parameters, type Result } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { quotaError } from '../accounts/codes.js';
import type { Call, DepositFunctionName, Handlers, ServerContext } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Reader, Transaction } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';

/** The room of what accounts keep here: shares of a secret, sealed by whoever brings them. */
export interface DepositMeans {
  readonly context: Pick<ServerContext, 'accounts' | 'audit' | 'clock' | 'storage' | 'vault'>;
  /** Whether the key that a message is signed with is of a device that has not been there for long. */
  isYoung(reader: Reader, call: Call): Promise<boolean>;
}

interface Deposit {
  readonly data: Uint8Array;
  /** UnixSeconds. */
  readonly at: number;
}

/** Bytes that a deposit takes in the database beside itself. */
const FRAMING_BYTES = 128;

/** What `share.*` does. What belongs to others is not there, for whoever asks: every look-up is by the account and the receipt together. */
export function depositHandlers(means: DepositMeans): Handlers<DepositFunctionName> {
  return {
    'share.store': (call, parameters) => storeShare(means, call, parameters),
    'share.list': (call) => listShares(means, call),
    'share.get': (call, parameters) => getShares(means, call, parameters),
    'share.delete': (call, parameters) => deleteShares(means, call, parameters),
  };
}

async function storeShare(
  { context }: DepositMeans,
  call: Call,
  { data }: Parameters<'share.store'>,
): Promise<Result<'share.store'>> {
  const { account } = call;
  const receipt = depositReceipt(account.xid, data);
  await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      // Held, so that two replicas do not each count up to the last place. Not the account: each of two calls shares it already, and would wait for the other.
      await transaction.audit.holdHead();
      if ((await transaction.deposits.find(account.xid, receipt)) !== null) return;
      await assertRoom(context, transaction, call, data.length);
      const deposit: Deposit = { data, at: context.clock() };
      const columns = { owner: account.xid, receipt };
      await transaction.deposits.insert(sealRecord(context.vault, 'deposits', columns, deposit));
      await note(context, transaction, call, 'share.store', [receipt], 'Keep a share');
    }),
  );
  return { receipt };
}

async function assertRoom(
  { accounts }: DepositMeans['context'],
  transaction: Transaction,
  { account }: Call,
  bytes: number,
): Promise<void> {
  if ((await transaction.deposits.of(account.xid, MAX_DEPOSITS)).length >= MAX_DEPOSITS) {
    throw quotaError(
      'QUOTA_SHARES',
      'shares kept here',
      MAX_DEPOSITS,
      'delete shares that are not needed any more',
    );
  }
  await accounts.quota.bytes(transaction, account, bytes + FRAMING_BYTES);
}

async function listShares({ context }: DepositMeans, { account }: Call): Promise<Result<'share.list'>> {
  const rows = await context.storage.read((reader) => reader.deposits.of(account.xid, MAX_DEPOSITS));
  const shares = rows.map((row) => {
    const { at, data } = openRecord<Deposit>(context.vault, 'deposits', row);
    return { receipt: row.receipt, at, length: data.length };
  });
  return { shares };
}

async function getShares(
  { context }: DepositMeans,
  { account }: Call,
  { receipts }: Parameters<'share.get'>,
): Promise<Result<'share.get'>> {
  return context.storage.read(async (reader) => {
    const shares = [];
    for (const receipt of once(receipts)) {
      const row = await reader.deposits.find(account.xid, receipt);
      if (row === null) continue;
      shares.push({ receipt, data: openRecord<Deposit>(context.vault, 'deposits', row).data });
    }
    return { shares };
  });
}

/** A young device takes nothing from the others (P2): what is kept here may be all that is left of the words. */
async function deleteShares(
  { context, isYoung }: DepositMeans,
  call: Call,
  { receipts }: Parameters<'share.delete'>,
): Promise<Result<'share.delete'>> {
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      if (await isYoung(transaction, call)) throw deviceTooYoung();
      const deleted: Uint8Array[] = [];
      for (const receipt of once(receipts)) {
        if (await transaction.deposits.remove(call.account.xid, receipt)) deleted.push(receipt);
      }
      if (deleted.length > 0) {
        const what = deleted.length === 1 ? 'a share' : `${deleted.length} shares`;
        await note(context, transaction, call, 'share.delete', deleted, `Keep ${what} no longer`);
      }
      return { deleted };
    }),
  );
}

/** Says in the log which one, by a receipt, and nothing of what is in it. */
async function note(
  { audit }: DepositMeans['context'],
  transaction: Transaction,
  { account, by }: Call,
  deed: DepositFunctionName,
  receipts: readonly Uint8Array[],
  sentence: string,
): Promise<void> {
  await audit.append(transaction, {
    deed,
    who: account.xid,
    keyId: null,
    subject: receipts[0]!,
    sentence,
    verdict: 'done',
    policy: '',
    detail: by.may === null ? 'by the words' : `by device ${encodeHex(by.id).slice(0, 8)}`,
  });
}

/** Each of them once, in the order asked for. */
function once(receipts: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(receipts.map((receipt) => [encodeHex(receipt), receipt])).values()];
}
