import { CkmError } from '@ckm/foundation';
import { isSilence } from '../servers/ask-all.js';
import { causeOf } from '../servers/causes.js';
import type { DepositSecret } from './deposit-secret.js';
import { isStranger, pages, receiptsAt } from './look-at-shares.js';
import { type ShareMeans, type ShareServer, speakForShares } from './share-server.js';

/** What became of the shares at one server. `none`: it had none; `gone`: it is counted as gone for good, and did not say so itself. */
export interface DeletedAt {
  readonly server: string;
  readonly outcome: 'deleted' | 'none' | 'gone' | 'silent' | 'refused';
  /** To stand behind its name; empty where nothing is left there. */
  readonly text: string;
  readonly error: CkmError | null;
}

/** Has each of these servers keep nothing any more under this secret. */
export function deleteShares(
  means: ShareMeans,
  secret: DepositSecret,
  servers: readonly ShareServer[],
): Promise<readonly DeletedAt[]> {
  return Promise.all(servers.map((server) => deleteAt(means, secret, server)));
}

async function deleteAt(means: ShareMeans, secret: DepositSecret, server: ShareServer): Promise<DeletedAt> {
  const at = { server: server.name, text: '', error: null };
  try {
    return await speakForShares(means, secret, server, async (link) => {
      const shares = await receiptsAt(link);
      for (const receipts of pages(shares)) await link.call('share.delete', { receipts: [...receipts] });
      return { ...at, outcome: shares.length === 0 ? 'none' : 'deleted' };
    });
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    if (isStranger(error)) return { ...at, outcome: 'none' };
    return {
      server: server.name,
      outcome: isSilence(error) ? 'silent' : 'refused',
      text: causeOf(error),
      error,
    };
  }
}
