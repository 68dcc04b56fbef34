import { CkmError, encodeHex } from '@ckm/foundation';
import type { KeyParams } from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { isSilence } from '../../servers/ask-all.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { isUnreadable } from '../../store/record-store.js';
import { certificatesOf, checkChain } from '../chain/key-chain.js';
import { learn } from '../chain/learn-chain.js';
import { type Branch, branchBy, type Known, knownOf, whereItLeft } from './branches.js';
import { provedBy, whoSignedTwice } from './read-fork.js';
import { listSettlements } from './settlement-record.js';
import { isDoubted } from './shown-votes.js';
import type { CertifiedKey } from '../key-record.js';

/** The epochs that a key is in, where its servers went on by several certificates of one epoch. */
export interface KeyBranches {
  /** The newest epoch of each, that on record here first; none: no two certificates that hold are known. */
  readonly epochs: readonly KeyParams[];
  /** XIDs in hex of servers that signed twice: what such a one says that it does counts for nothing. */
  readonly twice: ReadonlySet<string>;
}

/**
 * Asks every server on record, of the key or not, by which certificates it went on. Whoever is silent, refuses, or shows what does not hold is
 * passed over; so is a certificate that was settled not to count, as far as this client knows, and no server shows votes against that.
 */
export async function readBranches(context: ClientContext, key: CertifiedKey): Promise<KeyBranches> {
  const known = knownOf(key);
  const servers = await listServerRecords(context.store);
  const [all, dead] = await Promise.all([
    Promise.all(servers.map((one) => shownBy(context, one, known))),
    deadNames(context, known, servers),
  ]);
  const shown = all.flat();
  const standing = shown.filter(({ name }) => !dead.has(name));
  // One way on behind the newest epoch is none besides it.
  const ahead = new Set(standing.flatMap(({ after, name }) => (after === known.newest ? [name] : [])));
  const forked = standing.filter(({ after }) => after < known.newest || ahead.size > 1);
  if (forked.length === 0) return { epochs: [], twice: new Set() };
  const newest = [key.newest, ...forked.map(({ chain }) => checkChain(chain).newest)];
  const byName = new Map(newest.map(({ transcriptHash, params }) => [encodeHex(transcriptHash), params]));
  return { epochs: [...byName.values()], twice: doubters(known, forked) };
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

/** Names of certificates that were settled not to count. Where votes that hold settle both ways, which of them is dead is for the owner to say. */
async function deadNames(
  context: ClientContext,
  known: Known,
  servers: readonly ServerRecord[],
): Promise<ReadonlySet<string>> {
  const all = await listSettlements(context.store, known.key.keyId).catch((error: unknown) => {
    // Whoever has to stop a key now is not kept from it by a damaged record.
    if (!isUnreadable(error)) throw error;
    return [];
  });
  const settled = all.filter(({ votes, epoch }) => votes !== null && epoch <= known.newest);
  const dead = await Promise.all(
    settled.map(async (record) => {
      const before = checkChain(known.upTo(record.epoch)).newest;
      if (await isDoubted(context, servers, before, record)) return [];
      return record.certificates.slice(1).flatMap((one) => provedBy(before, one));
    }),
  );
  return new Set(dead.flat().map(({ name }) => encodeHex(name)));
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
