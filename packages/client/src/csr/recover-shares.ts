import { platformCarrier } from '#carrier';
import { CkmError } from '@ckm/foundation';
import type { Carrier } from '../carrier/carrier.js';
import { fetchIntroduction } from '../introduction/identity-card.js';
import type { AskedForShares } from './csr-errors.js';
import type { DepositSecret } from './deposit-secret.js';
import { findShares, type FoundShares } from './find-shares.js';
import type { ShareMeans, ShareServer } from './share-server.js';

/** What whoever has lost everything recovers with; each has a default, as in `ClientOptions`. */
export interface RecoverOptions {
  readonly carrier?: Carrier;
  readonly clock?: () => number;
  readonly random?: (length: number) => Uint8Array;
  readonly timeoutMs?: number;
}

export interface RecoverArgs {
  /** 32 bytes; the caller wipes them. */
  readonly secret: DepositSecret;
  /** Addresses of servers that have a share: one that answers is enough, what it keeps names the others. */
  readonly urls: readonly string[];
  /** Certificates (PEM) that vouch for these servers on the way to them; null: those that the machine knows. */
  readonly authority?: string | null;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Brings back what was shared out, with no home and no owner. Whoever answers at an address is not compared with anything: nobody else than the server that
 * the share was stored at has what these words open, and nothing is told him.
 * @throws as `findShares`, `fetchIntroduction`
 */
export async function recoverShares(
  { secret, urls, authority = null }: RecoverArgs,
  options: RecoverOptions = {},
): Promise<FoundShares> {
  const means: ShareMeans = {
    carrier: options.carrier ?? platformCarrier,
    clock: options.clock ?? (() => Math.floor(Date.now() / 1000)),
    random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
  const { from, missed } = await answering(means, urls, authority);
  return findShares(means, secret, { from, pinned: [], authority }, missed);
}

/** @throws why the first of them does not answer, where none does */
async function answering(
  means: ShareMeans,
  urls: readonly string[],
  authority: string | null,
): Promise<{ readonly from: readonly ShareServer[]; readonly missed: readonly AskedForShares[] }> {
  const addresses = [...new Set(urls.map((url) => means.carrier.parseAddress(url)))];
  const asked = await Promise.allSettled(
    addresses.map((url) => fetchIntroduction(means.carrier, url, means.timeoutMs, authority)),
  );
  const from = asked.flatMap((one, at) => {
    if (one.status === 'rejected') return [];
    const { xid, publicKeys, title } = one.value;
    return [{ name: title, url: addresses[at]!, xid, publicKeys, authority }];
  });
  const missed = asked.flatMap((one, at) => {
    if (one.status === 'fulfilled') return [];
    if (!(one.reason instanceof CkmError)) throw one.reason;
    return [{ name: addresses[at]!, error: one.reason }];
  });
  if (from.length === 0 && missed.length > 0) throw missed[0]!.error;
  return { from, missed };
}
