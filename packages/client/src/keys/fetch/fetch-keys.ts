import { MOST_CHAIN_EPOCHS, type Result } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { parseChangeCertificate } from '@ckm/threshold';
import { sha256 } from '@noble/hashes/sha2.js';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { listSessions } from '../../sessions/sessions.js';
import { chainOf, changesOf, newestParams } from '../chain/key-chain.js';
import type { ServerLink } from '../../carrier/server-link.js';
import { isComplete, type CertifiedKey } from '../key-record.js';
import { listKeyRecords } from '../keys.js';
import { expectedOf, readExpectedKeys } from './expected-keys.js';
import type { FetchedKey, FetchedKeys, HolderComplaint, KeyHolder } from './fetched-key.js';
import { type HeldKey, type HeldKeys, listHeldKeys } from './held-keys.js';
import {
  createCertificateReader,
  judgeRefusal,
  judgeHolder,
  type Judged,
  type ShownKey,
} from './judge-holder.js';
import { suggestName } from './suggest-name.js';

/** At most this many keys that are not on record are looked at in one go, those that most servers name first. */
export const MOST_FETCHED = 256;
/** A server that has shown so many things that do not hold is not asked for more. */
const MOST_FALSE_CLAIMS = 8;
/** Certificates of changed keys that one server may show in one go, in bytes: each has to be checked. */
const MOST_CHAIN_BYTES = 64 * 1_048_576;
const VISIBLE_ASCII = /^[\x21-\x7e]*$/;

/** One server's list, read before. */
interface Listed extends HeldKeys {
  readonly server: ServerRecord;
}

/**
 * Asks every server which keys it holds of ours, and for the certificate of each that is not on record. No server is
 * believed: certificates are checked from scratch, and what differs is told with the name of who showed it. Writes
 * nothing. @throws StorageError `STORE_CORRUPT`
 */
export async function fetchKeys(context: ClientContext): Promise<FetchedKeys> {
  const pinned = await listServerRecords(context.store);
  const records = await listKeyRecords(context.store);
  const known = records.map((record) => newestParams(record));
  const { listed, silent } = await listAll(context, pinned);
  const faulty: HolderComplaint[] = listed.flatMap(({ server, complaint }) =>
    complaint === null ? [] : [{ server: server.name, text: complaint }],
  );
  const wanted = unrecorded(
    listed,
    known.map(({ keyId }) => keyId),
  );
  if (wanted.length > MOST_FETCHED) {
    const more = wanted.length - MOST_FETCHED;
    for (const name of new Set(wanted.slice(MOST_FETCHED).flatMap(({ by }) => by.map((one) => one.name)))) {
      faulty.push({ server: name, text: `names keys among ${more} more than are looked at in one go` });
    }
  }
  const taken = new Set([
    ...records.map(({ name }) => name),
    ...(await listSessions(context.store)).map(({ keyName }) => keyName),
  ]);
  const expectedKeys = await readExpectedKeys(context.store);
  const look = createLook(context, pinned);
  const keys: FetchedKey[] = [];
  for (const claim of wanted.slice(0, MOST_FETCHED)) {
    const { key, complaints } = await look(claim);
    faulty.push(...complaints);
    if (key === null) continue;
    const expected = expectedOf(expectedKeys, key.transcriptHash);
    const isTaken = (name: string) => taken.has(name);
    const isKnown = expected !== null && !isTaken(expected.name);
    const suggestedName = isKnown ? expected.name : suggestName(key.purpose, key.transcriptHash, isTaken);
    taken.add(suggestedName);
    keys.push({ ...key, suggestedName, expected });
  }
  return {
    keys,
    incomplete: records.filter((one, i) => !isComplete(one, known[i]!.quorum.of)).map(({ name }) => name),
    asked: pinned.map(({ name }) => name),
    silent,
    faulty,
  };
}

async function listAll(
  context: ClientContext,
  pinned: readonly ServerRecord[],
): Promise<{ listed: Listed[]; silent: HolderComplaint[] }> {
  const listed: Listed[] = [];
  const silent: HolderComplaint[] = [];
  await Promise.all(
    pinned.map(async (server) => {
      try {
        listed.push({ server, ...(await listHeldKeys(await context.linkTo(server))) });
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        silent.push({ server: server.name, text: error.message });
      }
    }),
  );
  return { listed, silent };
}

/** A key that is not on record, and who names it. */
interface Claim {
  readonly keyId: Uint8Array;
  readonly by: readonly ServerRecord[];
  readonly held: readonly HeldKey[];
}

/** What most servers name comes first: one that makes keys up cannot push the others out of sight. */
function unrecorded(listed: readonly Listed[], recorded: readonly Uint8Array[]): Claim[] {
  const skip = new Set(recorded.map(encodeHex));
  const claims = new Map<string, Claim>();
  for (const { server, keys } of listed) {
    for (const key of keys) {
      const id = encodeHex(key.keyId);
      if (skip.has(id)) continue;
      const { by = [], held = [] } = claims.get(id) ?? {};
      claims.set(id, { keyId: key.keyId, by: [...by, server], held: [...held, key] });
    }
  }
  return [...claims.values()].sort((a, b) => b.by.length - a.by.length);
}

/** What came of one claim. A key that no server has a certificate of is none yet: it never came to life. */
interface Finding {
  readonly key: Omit<FetchedKey, 'suggestedName' | 'expected'> | null;
  readonly complaints: readonly HolderComplaint[];
}

function createLook(
  context: ClientContext,
  pinned: readonly ServerRecord[],
): (claim: Claim) => Promise<Finding> {
  const read = createCertificateReader();
  const liars = new Map<string, number>();
  const budgets = new Map(pinned.map(({ name }) => [name, { bytes: MOST_CHAIN_BYTES }]));
  const once = createInterning();
  const isTrusted = ({ name }: ServerRecord) => (liars.get(name) ?? 0) < MOST_FALSE_CLAIMS;
  const ask = async (server: ServerRecord, keyId: Uint8Array): Promise<Judged> => {
    try {
      const link = await context.linkTo(server);
      const shown = await askForChain(link, keyId, budgets.get(server.name)!, once);
      return judgeHolder(read, { server, keyId, pinned }, shown);
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
      return judgeRefusal(server, error);
    }
  };
  return async ({ keyId, by, held }) => {
    const first = await Promise.all(by.filter(isTrusted).map((server) => ask(server, keyId)));
    const key = agreed(first);
    // Nobody but the servers of a key hears of it: those that did not name it are asked too.
    const others = pinned.filter(
      (server) =>
        key !== null &&
        !by.includes(server) &&
        key.roster.some(({ serverId }) => equalBytes(serverId, server.xid)),
    );
    const shown = [...first, ...(await Promise.all(others.map((server) => ask(server, keyId))))];
    const isForked = shown.some((one) => key !== null && isOnAnotherWay(key, one));
    const judged = shown.map((one) => against(key, one));
    // Of a fork nobody knows from here which servers are to blame.
    const lying = judged.filter(
      (one, i) => one.verdict === 'differs' && !(key !== null && isOnAnotherWay(key, shown[i]!)),
    );
    // Of a tie nobody can say who lied: whoever was contradicted is asked on.
    const proven = key === null ? shown.filter(({ verdict }) => verdict === 'differs') : lying;
    for (const { server } of proven) liars.set(server.name, (liars.get(server.name) ?? 0) + 1);
    return {
      key: key === null ? null : { ...describeKey(key, judged, held), isForked },
      complaints: lying.map(({ server, text }) => ({ server: server.name, text })),
    };
  };
}

/** The same bytes once in memory, however many servers show them: a long chain of a large key has megabytes, and 32 servers show it. */
type Interning = (bytes: Uint8Array) => Uint8Array;

function createInterning(): Interning {
  const known = new Map<string, Uint8Array>();
  return (bytes) => {
    const name = encodeHex(sha256(bytes));
    const found = known.get(name) ?? bytes.slice();
    known.set(name, found);
    return found;
  };
}

/** How much a server may still show. */
interface Budget {
  bytes: number;
}

/** What a server shows of a key. One that has changed is proved by all its certificates, which are asked for in their order. */
async function askForChain(
  link: ServerLink,
  keyId: Uint8Array,
  budget: Budget,
  once: Interning,
): Promise<ShownKey> {
  const shown = await link.call('key.show', { keyId });
  if (shown.key.epoch === 0 || shown.certificate === null) return { ...shown, changes: [] };
  const all: Uint8Array[] = [];
  for (let after: number | null = null; ;) {
    const { certificates, next }: Result<'key.chain'> = await link.call('key.chain', { keyId, after });
    all.push(...certificates.map(once));
    for (const { length } of certificates) budget.bytes -= length;
    const isLast = next === null || next <= (after ?? -1) || certificates.length === 0;
    if (isLast || all.length >= MOST_CHAIN_EPOCHS || budget.bytes <= 0) break;
    after = next;
  }
  const isCapped = all.length >= MOST_CHAIN_EPOCHS || budget.bytes <= 0;
  // Of whoever shows none of them, what it showed before is no first one.
  const [certificate = shown.certificate, ...changes] = all;
  return { ...shown, certificate, changes, ...(isCapped ? { isCapped } : {}) };
}

/**
 * The key that most servers show, in the newest epoch that any of them proves; nobody's when two have as many. Of one that has forked, what
 * contradicts the fewest of them.
 */
function agreed(shown: readonly Judged[]): CertifiedKey | null {
  const groups = new Map<string, CertifiedKey[]>();
  for (const { key } of shown) {
    if (key === null) continue;
    const id = encodeHex(key.transcriptHash);
    groups.set(id, [...(groups.get(id) ?? []), key]);
  }
  const [best, second] = [...groups.values()].sort((a, b) => b.length - a.length);
  if (best === undefined || best.length === second?.length) return null;
  const agreeing = (one: CertifiedKey) => best.filter((other) => goTogether(one, other)).length;
  const epochOf = ({ newest }: CertifiedKey) => newest.params.epoch;
  return best.toSorted((a, b) => agreeing(b) - agreeing(a) || epochOf(b) - epochOf(a))[0]!;
}

/** Whether one of two keys with the same first epoch went on from the other, or is the same. */
function goTogether(one: CertifiedKey, other: CertifiedKey): boolean {
  const epoch = Math.min(one.newest.params.epoch, other.newest.params.epoch);
  return equalBytes(hashAt(one, epoch), hashAt(other, epoch));
}

/** 32 bytes: transcript hash of an epoch, which the certificate behind it names. */
function hashAt({ record, newest }: CertifiedKey, epoch: number): Uint8Array {
  const after = changesOf(record)[epoch];
  return after === undefined ? newest.transcriptHash : parseChangeCertificate(after).change.next.previous;
}

/** Whether a server shows the same key, gone on by another certificate. */
function isOnAnotherWay(key: CertifiedKey, shown: Judged): boolean {
  if (shown.key === null || !equalBytes(shown.key.transcriptHash, key.transcriptHash)) return false;
  return !goTogether(key, shown.key);
}

/** @param key what most show; null when as many show one thing as another, and nobody can tell who is right */
function against(key: CertifiedKey | null, shown: Judged): Judged {
  const differs = (text: string): Judged => ({ ...shown, verdict: 'differs', text, key: null });
  if (shown.key === null) return shown;
  if (key === null || !equalBytes(shown.key.transcriptHash, key.transcriptHash))
    return differs('shows another certificate than your other servers');
  return isOnAnotherWay(key, shown) ? differs('went on by another certificate: the key is forked') : shown;
}

function describeKey(
  key: CertifiedKey,
  shown: readonly Judged[],
  held: readonly HeldKey[],
): Omit<FetchedKey, 'suggestedName' | 'expected' | 'isForked'> {
  const { record, keyId, transcriptHash, purpose } = key;
  const { suite, quorum } = key.public;
  const servers = key.roster.map(({ slot, serverId, url }): KeyHolder => {
    const place = { slot, xid: serverId, url: VISIBLE_ASCII.test(url) ? url : '' };
    const one = shown.find(({ server }) => equalBytes(server.xid, serverId));
    if (one === undefined) {
      return { ...place, server: null, verdict: 'not-added', text: 'not among your servers' };
    }
    return { ...place, server: one.server.name, verdict: one.verdict, text: one.text };
  });
  // One with a share only may mean another key of this id: it has to take the certificate before the key is kept.
  const vouching = servers.filter(({ verdict }) => verdict === 'holds' || verdict === 'pending');
  const times = held.map(({ createdAt }) => createdAt).sort((a, b) => a - b);
  return {
    keyId,
    ...chainOf(record),
    transcriptHash,
    policy: record.policy,
    purpose,
    suite,
    quorum,
    createdAt: times[Math.floor((times.length - 1) / 2)] ?? record.createdAt,
    isVouched: vouching.length >= quorum.needed,
    servers,
  };
}
