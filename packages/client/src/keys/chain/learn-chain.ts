import type { Result } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import { changesOf, extendChain, type KeyChain } from './key-chain.js';

/** The longer chain that a server shows, as far as it holds. */
export async function learn(link: ServerLink, keyId: Uint8Array, chain: KeyChain): Promise<KeyChain> {
  let longest = chain;
  const learned = await orNothing(async () => {
    let after: number | null = changesOf(longest).length;
    while (after !== null) {
      const { certificates, next }: Result<'key.chain'> = await link.call('key.chain', { keyId, after });
      const [first, ...others] = certificates;
      // Pages without anything, or that name the same place again, would have no end.
      if (first === undefined) break;
      longest = extendChain(longest, [first, ...others]);
      after = next !== null && next > after ? next : null;
    }
    return longest;
  });
  return learned ?? longest;
}

/** Nobody's word stops it: whoever is silent, refuses, or shows what does not hold is passed over. */
export async function orNothing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return undefined;
    throw error;
  }
}
