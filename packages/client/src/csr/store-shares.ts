import { depositReceipt } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import { causeOf } from '../servers/causes.js';
import { isSilence } from '../servers/ask-all.js';
import type { ServerLink } from '../carrier/server-link.js';
import { receiptDiffers } from './csr-errors.js';
import { type Deposit, type DepositFacts, sealDeposit } from './deposit-envelope.js';
import type { DepositSecret } from './deposit-secret.js';
import { lookAtShares, type ShownShares } from './look-at-shares.js';
import { type ShareMeans, type ShareServer, speakForShares } from './share-server.js';
import { type SplitSecret, TWO_OF_THREE } from './split-secret.js';

/** What became of a share at one server. `there`: it was stored before. `silent`: it did not answer. `refused`: it did not want it. */
export interface StoredAt {
  readonly server: string;
  readonly outcome: 'stored' | 'there' | 'silent' | 'refused';
  /** To stand behind its name; empty where it has its share. */
  readonly text: string;
  readonly error: CkmError | null;
}

/** A server that is to have a share, and the code that lets one in there. */
export interface ShareTaker {
  readonly server: ShareServer;
  readonly invite: string | null;
}

/** What is to be stored: of which set, and where all of it lies. */
export interface ToStore {
  readonly secret: DepositSecret;
  readonly split: SplitSecret;
  readonly facts: Omit<DepositFacts, 'member'>;
}

/**
 * Has each of these servers keep the share that is its own, one after the other; what one has already is not stored twice.
 * @param takers each is among `facts.places`
 */
export async function storeShares(
  means: ShareMeans,
  what: ToStore,
  takers: readonly ShareTaker[],
): Promise<readonly StoredAt[]> {
  const done: StoredAt[] = [];
  for (const taker of takers) done.push(await storeAt(means, what, taker));
  return done;
}

async function storeAt(means: ShareMeans, what: ToStore, taker: ShareTaker): Promise<StoredAt> {
  const { server } = taker;
  const at = { server: server.name, text: '', error: null };
  const shown = await lookAtShares(means, what.secret, server);
  if (shown.error !== null) return failed(server.name, shown.error);
  if (shown.deposits.some(({ set }) => equalBytes(set, what.facts.set))) return { ...at, outcome: 'there' };
  try {
    await speakForShares(means, what.secret, server, async (link, account) => {
      await openFor(link, shown, taker);
      const data = sealDeposit(what.secret, server.xid, depositFor(server, what), means.random);
      const { receipt } = await link.call('share.store', { data });
      if (equalBytes(receipt, depositReceipt(account, data))) return;
      throw receiptDiffers(server.name);
    });
    return { ...at, outcome: 'stored' };
  } catch (error) {
    if (error instanceof CkmError) return failed(server.name, error);
    throw error;
  }
}

async function openFor(link: ServerLink, { answer }: ShownShares, { invite }: ShareTaker): Promise<void> {
  if (answer === 'stranger') await link.call('account.open', { invite }, { introduce: true });
}

function failed(server: string, error: CkmError): StoredAt {
  return { server, outcome: isSilence(error) ? 'silent' : 'refused', text: causeOf(error), error };
}

/** Of three servers each has a share by both plans; of five, and of those that come later, by the second alone. */
function depositFor({ xid }: ShareServer, { split, facts }: ToStore): Deposit {
  const at = facts.places.findIndex((place) => equalBytes(place.xid, xid));
  const isOfThree = facts.places.length === TWO_OF_THREE.of;
  return {
    ...facts,
    member: at + 1,
    two: isOfThree ? split.two[at]! : null,
    three: split.three[at]!,
  };
}
