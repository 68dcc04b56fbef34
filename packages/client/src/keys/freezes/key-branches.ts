import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { KeyParams } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { isSilence } from '../../servers/ask-all.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { isUnreadable } from '../../store/record-store.js';
import { learn } from '../changes/catch-up.js';
import {
  certificatesOf,
  changesOf,
  checkChain,
  extendChain,
  type KeyChain,
  notedChain,
} from '../chain/key-chain.js';
import { provedBy, whoSignedTwice } from '../forks/read-fork.js';
import { listSettlements } from '../forks/settlement-record.js';
import type { CertifiedKey } from '../key-record.js';

/** The epochs that a key is in, where its servers went on by several certificates of one epoch. */
export interface KeyBranches {
  /** The newest epoch of each, that on record here first; none: no two certificates that hold are known. */
  readonly epochs: readonly KeyParams[];
  /** XIDs in hex of servers that signed twice: what such a one says that it does counts for nothing. */
  readonly twice: ReadonlySet<string>;
}

/** Another way on from an epoch of the chain on record here. */
interface Branch {
  /** The last epoch that both have. */
  readonly after: number;
  /** Transcript hash of the first epoch that they do not, in hex. */
  readonly name: string;
  readonly chain: KeyChain;
}

/** A key, and its chain on record as far as any of its epochs. */
interface Known {
  readonly key: CertifiedKey;
  readonly newest: number;
  upTo(epoch: number): KeyChain;
}

/** So many epochs back servers are asked where they left the chain on record here. */
const MOST_BACK = 16;

/**
 * Asks every server on record, of the key or not, by which certificates it went on. Whoever is silent, refuses, or shows what does not hold is
 * passed over; so is a certificate that was settled not to count, as far as this client knows.
 */
export async function readBranches(context: ClientContext, key: CertifiedKey): Promise<KeyBranches> {
  const known = knownOf(key);
  const servers = await listServerRecords(context.store);
  const shown = (await Promise.all(servers.map((one) => shownBy(context, one, known)))).flat();
  const dead = await deadNames(context, known);
  const standing = shown.filter(({ name }) => !dead.has(name));
  // One way on behind the newest epoch is none besides it.
  const ahead = new Set(standing.flatMap(({ after, name }) => (after === known.newest ? [name] : [])));
  const forked = standing.filter(({ after }) => after < known.newest || ahead.size > 1);
  if (forked.length === 0) return { epochs: [], twice: new Set() };
  const newest = [key.newest, ...forked.map(({ chain }) => checkChain(chain).newest)];
  const byName = new Map(newest.map(({ transcriptHash, params }) => [encodeHex(transcriptHash), params]));
  return { epochs: [...byName.values()], twice: doubters(known, forked) };
}

function knownOf(key: CertifiedKey): Known {
  const { certificate } = key.record;
  const changes = changesOf(key.record);
  const checked = new Map<number, KeyChain>([[changes.length, key.record]]);
  const upTo = (epoch: number): KeyChain => {
    const chain = checked.get(epoch) ?? notedChain({ certificate, changes: changes.slice(0, epoch) });
    checked.set(epoch, chain);
    return chain;
  };
  return { key, newest: changes.length, upTo };
}

async function shownBy(
  context: ClientContext,
  server: ServerRecord,
  known: Known,
): Promise<readonly Branch[]> {
  const found: Branch[] = [];
  await passingOver(async () => {
    const link = await context.linkTo(server);
    found.push(...(await evidenceAt(link, known)));
    const left = await whereItLeft(link, known);
    if (left !== null) found.push({ ...left, chain: await learn(link, known.key.keyId, left.chain) });
  });
  return found;
}

/** What a server shows that has seen two. */
async function evidenceAt(link: ServerLink, known: Known): Promise<readonly Branch[]> {
  try {
    const { epoch, certificates } = await link.call('fork.show', { keyId: known.key.keyId });
    if (epoch === null || epoch > known.newest) return [];
    return certificates.flatMap((certificate) => {
      const branch = branchBy(known, epoch, certificate);
      return branch === null || branch === 'own' ? [] : [branch];
    });
  } catch (error) {
    // Whoever is to join has no row of the key to show it from, and may have a certificate all the same.
    if (isSilence(error) || !(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
    return [];
  }
}

/** Where a server left the chain on record here; null: nowhere, as far as it shows. */
async function whereItLeft(link: ServerLink, known: Known): Promise<Branch | null> {
  const { key, newest } = known;
  for (let after = newest; after >= Math.max(0, newest - MOST_BACK); after--) {
    const [first] = (await link.call('key.chain', { keyId: key.keyId, after })).certificates;
    const branch = first === undefined ? null : branchBy(known, after, first);
    if (branch === 'own') return null;
    if (branch !== null) return branch;
  }
  return null;
}

/** Null: it does not hold. `own`: it is of the epoch on record. */
function branchBy(known: Known, after: number, certificate: Uint8Array): Branch | 'own' | null {
  const own = certificatesOf(known.key.record)[after + 1];
  if (own !== undefined && equalBytes(own, certificate)) return 'own';
  try {
    const chain = extendChain(known.upTo(after), [certificate]);
    const name = nameOf(chain);
    // Signatures can be made again: one epoch has many certificates.
    return own !== undefined && name === nameOf(known.upTo(after + 1)) ? 'own' : { after, name, chain };
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}

function nameOf(chain: KeyChain): string {
  return encodeHex(checkChain(chain).newest.transcriptHash);
}

/** Certificates that were settled not to count. */
async function deadNames({ store }: ClientContext, known: Known): Promise<ReadonlySet<string>> {
  const all = await listSettlements(store, known.key.keyId).catch((error: unknown) => {
    // Whoever has to stop a key now is not kept from it by a damaged record.
    if (!isUnreadable(error)) throw error;
    return [];
  });
  const settled = all.filter(({ votes, epoch }) => votes !== null && epoch <= known.newest);
  const dead = settled.flatMap(({ epoch, certificates }) => {
    const before = checkChain(known.upTo(epoch)).newest;
    return certificates.slice(1).flatMap((one) => provedBy(before, one));
  });
  return new Set(dead.map(({ name }) => encodeHex(name)));
}

/** XIDs in hex of those behind several of these certificates, which contradict each other. */
function doubters({ key, upTo }: Known, forked: readonly Branch[]): ReadonlySet<string> {
  const epochs = [...new Set(forked.map(({ after }) => after))];
  const xids = epochs.flatMap((after) => {
    const before = checkChain(upTo(after)).newest;
    const others = forked.filter((one) => one.after === after).map(({ chain }) => chain);
    const those = [key.record, ...others].flatMap((chain) => certificatesOf(chain)[after + 1] ?? []);
    const slots = whoSignedTwice(before, those);
    return before.params.roster.filter(({ slot }) => slots.includes(slot)).map(({ serverId }) => serverId);
  });
  return new Set(xids.map(encodeHex));
}

async function passingOver(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
  }
}
