import { CkmError, equalBytes } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import { certificatesOf, changesOf, checkChain, type KeyChain, notedChain } from '../chain/key-chain.js';
import { learn, orNothing } from '../chain/learn-chain.js';
import { isElsewhere, type StandingAt } from '../chain/names-of-epochs.js';
import { type Acknowledgements, showEpochs } from '../chain/show-epochs.js';
import { followSettled } from '../forks/follow-settled.js';
import { gatherAcknowledgements, isHeld } from '../gather-acknowledgements.js';
import { type CertifiedKey, certifyRecord } from '../key-record.js';
import { loadKeyRecord, saveKeyRecord } from '../keys.js';
import { rosterOf } from '../roster.js';
import { termsOfChain } from '../terms/terms-of-epochs.js';

/** So many forks, one behind the other, are followed at once. */
const MOST_FORKS = 4;

/**
 * Brings a key and its servers to the same epoch, after somebody was away: what other clients of the owner have changed is
 * learned from whoever shows certificates that hold, and shown to the servers that have not seen them. Where a server is in an epoch by another certificate it is shown
 * nothing, and what was settled between them is taken over by its votes.
 * @param among names of servers: others are known to be silent, and not waited for; default: all of the key
 * @returns whether anything moved
 * @throws UsageError `KEY_UNKNOWN`; StorageError
 */
export async function catchUp(
  context: ClientContext,
  key: CertifiedKey,
  among?: readonly string[],
): Promise<boolean> {
  let now = key;
  let hasMoved = false;
  for (let fork = 0; fork < MOST_FORKS; fork++) {
    const { isMoved, isNews } = await toNewest(context, now, among);
    hasMoved ||= isMoved || isNews;
    if (!isNews) break;
    now = await readAgain(context, key);
  }
  return hasMoved;
}

/** The key as it is then. @throws as {@link catchUp} */
export async function caughtUp(context: ClientContext, key: CertifiedKey): Promise<CertifiedKey> {
  return (await catchUp(context, key)) ? readAgain(context, key) : key;
}

async function readAgain({ store }: ClientContext, { record }: CertifiedKey): Promise<CertifiedKey> {
  return certifyRecord(await loadKeyRecord(store, record.name));
}

/** What came of going on. */
interface Gone {
  readonly isMoved: boolean;
  /** Whether the key on record goes on by another certificate than it did: then it is to be looked where that leads. */
  readonly isNews: boolean;
}

async function toNewest(
  context: ClientContext,
  key: CertifiedKey,
  among: readonly string[] | undefined,
): Promise<Gone> {
  const { record } = key;
  const { epoch } = key.newest.params;
  const roster = await rosterOf(context, key);
  const asked = roster.filter(({ server }) => among?.includes(server.name) ?? true);
  const places = await Promise.all(asked.map((one) => placeOf(context, key.keyId, one)));
  let chain: KeyChain = record;
  for (const { link, knows } of places) if (knows > epoch) chain = await learn(link, key.keyId, chain);
  // Before anybody is shown anything, who may stand before the fork, too.
  const followed = isSplitBy(chain, places) ? await followAmong(context, key, roster, places) : NOTHING_NEW;
  const { isNews, isTold } = followed;
  if (isNews) return { isMoved: true, isNews };
  const newest = changesOf(chain).length;
  const isNowhereBehind = newest === epoch && places.every(({ at }) => at === undefined || at >= newest);
  if (newest === 0 || isNowhereBehind) return { isMoved: isTold, isNews };
  const { newest: led } = checkChain(chain);
  const others = (await rosterOf(context, { record, newest: led })).filter(
    ({ server }) => !places.some((place) => equalBytes(place.server.xid, server.xid)),
  );
  const all = [...places, ...(await Promise.all(others.map((one) => placeOf(context, key.keyId, one))))];
  const isMoved = await settle(context, key, { chain, newest: led, all });
  return { isMoved: isMoved || isTold, isNews };
}

const NOTHING_NEW = { isNews: false, isTold: false };

function followAmong(
  context: ClientContext,
  key: CertifiedKey,
  roster: readonly Participant[],
  places: readonly Place[],
) {
  const answering = places.filter(({ at }) => at !== undefined).map(({ server }) => server.name);
  const silent = namesOf(roster).filter((name) => !answering.includes(name));
  return followSettled(context, key, silent);
}

/** Whether any of these servers is not where the chain leads, as far as it says. */
function isSplitBy(chain: KeyChain, places: readonly Place[]): boolean {
  const newest = changesOf(chain).length;
  return places.some(
    (place) => place.isForked || isElsewhere(chain, placed(place)) || (place.at ?? -1) > newest,
  );
}

function placed({ at = -1, transcriptHash }: Place): StandingAt {
  return { epoch: at, transcriptHash };
}

/** A server, and how far it is with a key. */
interface Place {
  readonly server: Participant['server'];
  readonly link: ServerLink;
  /** Its epoch, or the first in which it has no part. -1: nothing; undefined: it does not say. */
  readonly at: number | undefined;
  /** 32 bytes: of that epoch, as it says. */
  readonly transcriptHash: Uint8Array | undefined;
  /** Whether it has seen two certificates of one epoch. */
  readonly isForked: boolean;
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
  // Whoever is elsewhere is not shown what would look there like a second certificate.
  const here = all.filter((place) => !isElsewhere(chain, placed(place)));
  const members = roster.flatMap(({ slot, serverId }) => {
    const place = here.find(({ server, at }) => at !== undefined && equalBytes(server.xid, serverId));
    return place === undefined ? [] : [{ slot, server: place.server }];
  });
  const acknowledgements = await gatherAcknowledgements(context, { newest, certificates }, members);
  const { of, needed } = before.params.quorum;
  const gone = here.filter(({ at = -1 }) => at > before.params.epoch).length;
  const isEntered = isHeld(newest, acknowledgements) || gone > of - needed;
  const moved = await keep(context, record.name, isEntered ? chain : withoutLast(chain));
  if (!isHeld(newest, acknowledgements)) return moved;
  const shown = await Promise.all(
    here.map(async ({ link, at }) => {
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

/** Whether a server's refusal says that the key has gone on, is not there yet, or is forked: then it is worth catching up. */
export function isOtherEpoch(code: string | null): boolean {
  return OTHER_EPOCH.some((one) => one === code);
}

const OTHER_EPOCH = ['KEY_EPOCH_DIFFERS', 'KEY_LEFT', 'KEY_FORKED', 'CHANGE_SETTLED'];

async function placeOf(context: ClientContext, keyId: Uint8Array, { server }: Participant): Promise<Place> {
  const link = await context.linkTo(server);
  const nothing = { server, link, at: -1, transcriptHash: undefined, isForked: false, knows: -1 };
  const place = await orNothing(async (): Promise<Place> => {
    try {
      const { key } = await link.call('key.show', { keyId });
      const at = key.left ?? key.epoch;
      const { transcriptHash, forked } = key;
      return { server, link, at, transcriptHash, isForked: forked !== undefined, knows: key.decided ?? at };
    } catch (error) {
      if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return nothing;
      throw error;
    }
  });
  return place ?? { ...nothing, at: undefined };
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

/** Puts a longer chain on record. @returns whether it is longer than what was there */
async function keep(context: ClientContext, name: string, chain: KeyChain): Promise<boolean> {
  const { store, clock } = context;
  const policy = await termsOfChain(context, name, chain);
  // Without them nobody could check the record: it stays behind until a server shows them.
  if (policy === null) return false;
  return store.exclusive('key-names', async () => {
    const now = await loadKeyRecord(store, name);
    if (changesOf(now).length >= changesOf(chain).length) return false;
    await saveKeyRecord(store, { ...now, ...chain, policy, acknowledged: [], changedAt: clock() });
    return true;
  });
}

/** What the newest certificate follows: that is in use, since its servers have decided on it. */
function withoutLast({ certificate, changes = [] }: KeyChain): KeyChain {
  return notedChain({ certificate, changes: changes.slice(0, -1) });
}
