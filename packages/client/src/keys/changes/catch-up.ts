import type { Result } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import { gatherAcknowledgements, isHeld } from '../gather-acknowledgements.js';
import {
  certificatesOf,
  changesOf,
  checkChain,
  extendChain,
  type KeyChain,
  notedChain,
} from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import { rosterOf } from '../roster.js';
import { type Acknowledgements, showEpochs } from '../chain/show-epochs.js';

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
  const { record } = key;
  const { epoch } = key.newest.params;
  const asked = (await rosterOf(context, key)).filter(({ server }) => among?.includes(server.name) ?? true);
  const places = await Promise.all(asked.map((one) => placeOf(context, key.keyId, one)));
  let chain: KeyChain = record;
  for (const { link, knows } of places) if (knows > epoch) chain = await learn(link, key.keyId, chain);
  const newest = changesOf(chain).length;
  const isNowhereBehind = newest === epoch && places.every(({ at }) => at === undefined || at >= newest);
  if (newest === 0 || isNowhereBehind) return false;
  const { newest: led } = checkChain(chain);
  const others = (await rosterOf(context, { record, newest: led })).filter(
    ({ server }) => !places.some((place) => equalBytes(place.server.xid, server.xid)),
  );
  const all = [...places, ...(await Promise.all(others.map((one) => placeOf(context, key.keyId, one))))];
  return settle(context, key, { chain, newest: led, all });
}

/** A server, and how far it is with a key. */
interface Place {
  readonly server: Participant['server'];
  readonly link: ServerLink;
  /** Its epoch, or the first in which it has no part. -1: nothing; undefined: it does not say. */
  readonly at: number | undefined;
  /** The newest epoch of which it has a certificate, or -1. */
  readonly knows: number;
}

/** What became known, and of whom it is asked. */
interface Learned {
  readonly chain: KeyChain;
  readonly newest: CertifiedEpoch;
  readonly all: readonly Place[];
}

/**
 * Brings servers to the newest epoch, and this client with them, where as many of its servers hold their shares as its quorum needs. Until
 * then the epoch before it is in use, unless too many have gone over for that.
 */
async function settle(
  context: ClientContext,
  { keyId, record, newest: before }: CertifiedKey,
  { chain, newest, all }: Learned,
): Promise<boolean> {
  const certificates = certificatesOf(chain);
  const { roster, epoch } = newest.params;
  const members = roster.flatMap(({ slot, serverId }) => {
    const place = all.find(({ server, at }) => at !== undefined && equalBytes(server.xid, serverId));
    return place === undefined ? [] : [{ slot, server: place.server }];
  });
  const acknowledgements = await gatherAcknowledgements(context, { newest, certificates }, members);
  const { of, needed } = before.params.quorum;
  const gone = all.filter(({ at = -1 }) => at > before.params.epoch).length;
  const isEntered = isHeld(newest, acknowledgements) || gone > of - needed;
  const moved = await keep(context, record.name, isEntered ? chain : withoutLast(chain));
  if (!isHeld(newest, acknowledgements)) return moved;
  const shown = await Promise.all(
    all.map(async ({ link, at }) => {
      if (at === undefined || at >= epoch) return false;
      // Whoever joined and missed it has nothing before it to go on from; whoever lost the first epoch is no matter of this.
      return show(
        link,
        keyId,
        at >= 0 ? certificates.slice(at + 1) : certificates.slice(-1),
        acknowledgements,
      );
    }),
  );
  return moved || shown.includes(true);
}

/** Whether a server's refusal says that the key has gone on, or is not there yet: then it is worth catching up. */
export function isOtherEpoch(code: string | null): boolean {
  return code === 'KEY_EPOCH_DIFFERS' || code === 'KEY_LEFT';
}

async function placeOf(context: ClientContext, keyId: Uint8Array, { server }: Participant): Promise<Place> {
  const link = await context.linkTo(server);
  const nothing = { server, link, at: -1, knows: -1 };
  const place = await orNothing(async (): Promise<Place> => {
    try {
      const { key } = await link.call('key.show', { keyId });
      const at = key.left ?? key.epoch;
      return { server, link, at, knows: key.decided ?? at };
    } catch (error) {
      if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return nothing;
      throw error;
    }
  });
  return place ?? { ...nothing, at: undefined };
}

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

async function show(
  link: ServerLink,
  keyId: Uint8Array,
  certificates: readonly Uint8Array[],
  acknowledgements: Acknowledgements,
) {
  const shown = await orNothing(async () => {
    await showEpochs(link, keyId, certificates, acknowledgements);
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

/** Puts a longer chain on record. @returns whether it is longer than what was there */
async function keep({ store, clock }: ClientContext, name: string, chain: KeyChain): Promise<boolean> {
  return store.exclusive('key-names', async () => {
    const now = await loadKeyRecord(store, name);
    if (changesOf(now).length >= changesOf(chain).length) return false;
    await saveKeyRecord(store, { ...now, ...chain, acknowledged: [], changedAt: clock() });
    return true;
  });
}

/** What the newest certificate follows: that is in use, since its servers have decided on it. */
function withoutLast({ certificate, changes = [] }: KeyChain): KeyChain {
  return notedChain({ certificate, changes: changes.slice(0, -1) });
}
