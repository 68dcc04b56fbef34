import type { Result } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { certificatesOf, changesOf, extendChain, type KeyChain } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import { rosterOf } from '../roster.js';
import { showEpochs } from '../chain/show-epochs.js';

/**
 * Brings a key and its servers to the same epoch, after somebody was away: what other clients of the owner have changed is
 * learned from whoever shows certificates that hold, and shown to the servers that have not seen them.
 * @param among names of servers: others are known to be silent, and not waited for; default: all of the key
 * @returns whether anything moved
 * @throws UsageError `KEY_UNKNOWN`; StorageError
 */
export async function catchUp(
  context: ClientContext,
  key: CertifiedKey,
  among?: readonly string[],
): Promise<boolean> {
  const { keyId, record } = key;
  const asked = (await rosterOf(context, key)).filter(({ server }) => among?.includes(server.name) ?? true);
  const links = await Promise.all(asked.map(({ server }) => context.linkTo(server)));
  const epochs = await Promise.all(links.map((link) => epochAt(link, keyId)));
  const { epoch } = key.newest.params;
  const ahead = links.filter((_, i) => (epochs[i] ?? -1) > epoch);
  let chain: KeyChain = record;
  for (const link of ahead) chain = await learn(link, keyId, chain);
  const isNewer = changesOf(chain).length > epoch;
  if (isNewer) await keep(context, record.name, chain);
  const all = certificatesOf(chain);
  let moved = isNewer;
  for (const [i, link] of links.entries()) {
    const at = epochs[i];
    if (at === undefined || at >= changesOf(chain).length) continue;
    // Whoever joined and missed it has nothing before it to go on from; whoever lost the first epoch is no matter of this.
    const missing = at >= 0 ? all.slice(at + 1) : all.slice(1).slice(-1);
    if (missing.length > 0) moved = (await show(link, keyId, missing)) || moved;
  }
  return moved;
}

/** Whether a server's refusal says that the key has gone on, or is not there yet: then it is worth catching up. */
export function isOtherEpoch(code: string | null): boolean {
  return code === 'KEY_EPOCH_DIFFERS' || code === 'KEY_LEFT';
}

/** What a server knows of a key: its epoch, or the first in which it has no part. -1: nothing; undefined: it does not say. */
async function epochAt(link: ServerLink, keyId: Uint8Array): Promise<number | undefined> {
  return orNothing(async () => {
    try {
      const { key } = await link.call('key.show', { keyId });
      return key.left ?? key.epoch;
    } catch (error) {
      if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return -1;
      throw error;
    }
  });
}

/** The longer chain that a server shows, as far as it holds. */
async function learn(link: ServerLink, keyId: Uint8Array, chain: KeyChain): Promise<KeyChain> {
  let longest = chain;
  const learned = await orNothing(async () => {
    let after: number | null = changesOf(longest).length;
    while (after !== null) {
      const { certificates, next }: Result<'key.chain'> = await link.call('key.chain', { keyId, after });
      const [first, ...others] = certificates;
      // Pages without anything, or that name the same place again, would have no end.
      if (first === undefined) break;
      longest = extendChain(longest, first, ...others);
      after = next !== null && next > after ? next : null;
    }
    return longest;
  });
  return learned ?? longest;
}

async function show(link: ServerLink, keyId: Uint8Array, certificates: readonly Uint8Array[]) {
  const shown = await orNothing(async () => {
    await showEpochs(link, keyId, certificates);
    return true;
  });
  return shown ?? false;
}

/** Nobody's word stops it: whoever is silent, refuses, or shows what does not hold is passed over. */
async function orNothing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return undefined;
    throw error;
  }
}

async function keep({ store, clock }: ClientContext, name: string, chain: KeyChain): Promise<void> {
  await store.exclusive('key-names', async () => {
    const now = await loadKeyRecord(store, name);
    if (changesOf(now).length >= changesOf(chain).length) return;
    await saveKeyRecord(store, { ...now, ...chain, acknowledged: [], changedAt: clock() });
  });
}
