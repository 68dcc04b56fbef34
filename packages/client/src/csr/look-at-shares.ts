import { depositReceipt, MAX_DEPOSIT_RECEIPTS } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { Xid } from '@ckm/gordian';
import type { ServerLink } from '../carrier/server-link.js';
import { isSilence } from '../servers/ask-all.js';
import { type Deposit, openDeposit } from './deposit-envelope.js';
import type { DepositSecret } from './deposit-secret.js';
import { type ShareMeans, type ShareServer, speakForShares } from './share-server.js';

/** What a server has shown of what it keeps. */
export interface ShownShares {
  readonly server: ShareServer;
  /** `stranger`: it has no account of this secret. `silent`: it did not answer. `refused`: it answered, and gave nothing. */
  readonly answer: 'shown' | 'stranger' | 'silent' | 'refused';
  readonly error: CkmError | null;
  /** Those that are what they should be. */
  readonly deposits: readonly Deposit[];
  /** What is wrong with the others, to stand behind its name; each once. */
  readonly faults: readonly string[];
}

const NOT_GIVEN = 'says that it keeps a share, and does not give it';
const NOT_ITS = 'gave something else than what its receipt names';
const NOT_SEALED = 'gave what these words did not seal for it: it is damaged, or somebody else’s';

/** Asks one server for everything that it keeps under this secret. Whatever it does is an answer. */
export async function lookAtShares(
  means: ShareMeans,
  secret: DepositSecret,
  server: ShareServer,
): Promise<ShownShares> {
  const nothing = { server, error: null, deposits: [], faults: [] };
  try {
    return await speakForShares(means, secret, server, async (link, account) => {
      const { deposits, faults } = await readAll(link, secret, server.xid, account);
      return { ...nothing, answer: 'shown', deposits, faults: [...faults] };
    });
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    if (isStranger(error)) return { ...nothing, answer: 'stranger' };
    return { ...nothing, answer: isSilence(error) ? 'silent' : 'refused', error };
  }
}

/**
 * What a server has for whoever asks. We show who we are, so that one that has no such account says so sealed: what is not sealed, anybody on the way says.
 * @throws AccessError `ACCOUNT_UNKNOWN`, which {@link isStranger} tells; as `ServerLink.call`
 */
export async function receiptsAt(link: ServerLink): Promise<readonly Uint8Array[]> {
  const { shares } = await link.call('share.list', {}, { introduce: true });
  return shares.map(({ receipt }) => receipt);
}

/** Whether the server itself says that it has no account of this secret. */
export function isStranger({ code }: CkmError): boolean {
  return code === 'ACCOUNT_UNKNOWN';
}

async function readAll(link: ServerLink, secret: DepositSecret, server: Xid, account: Xid) {
  const shares = await receiptsAt(link);
  const deposits: Deposit[] = [];
  const faults = new Set<string>();
  for (const receipts of pages(shares)) {
    const given = await link.call('share.get', { receipts: [...receipts] });
    for (const receipt of receipts) {
      const data = given.shares.find((one) => equalBytes(one.receipt, receipt))?.data;
      const deposit = data === undefined ? NOT_GIVEN : judge(secret, server, { account, receipt, data });
      if (typeof deposit === 'string') faults.add(deposit);
      else deposits.push(deposit);
    }
  }
  return { deposits: once(deposits), faults };
}

interface Given {
  readonly account: Xid;
  readonly receipt: Uint8Array;
  readonly data: Uint8Array;
}

/** What it is, or what is wrong with it. */
function judge(secret: DepositSecret, server: Xid, { account, receipt, data }: Given): Deposit | string {
  if (!equalBytes(depositReceipt(account, data), receipt)) return NOT_ITS;
  return openDeposit(secret, server, data) ?? NOT_SEALED;
}

/** The newest of each set: one that was stored while an answer was lost may be there twice. */
function once(deposits: readonly Deposit[]): readonly Deposit[] {
  const sorted = deposits.toSorted((a, b) => b.at - a.at);
  return [...new Map(sorted.toReversed().map((one) => [encodeHex(one.set), one])).values()].toSorted(
    (a, b) => b.at - a.at,
  );
}

/** As many receipts as fit into one message. */
export function pages(receipts: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  return Array.from({ length: Math.ceil(receipts.length / MAX_DEPOSIT_RECEIPTS) }, (_, page) =>
    receipts.slice(page * MAX_DEPOSIT_RECEIPTS, (page + 1) * MAX_DEPOSIT_RECEIPTS),
  );
}
