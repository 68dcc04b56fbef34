import type { SettledProof } from '@ckm/api';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { certificatesOf } from '../chain/key-chain.js';
import { orNothing } from '../chain/learn-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { knownOf, whereItLeft } from './branches.js';
import { endEverywhere, keepCounted } from './end-fork.js';
import { standingRecords } from './order-forks.js';
import { epochAt } from './read-fork.js';
import { saveSettlement, type SettlementRecord } from './settlement-record.js';
import { createSettleRun, saveSettleRun, type SettleRun } from './settle-run.js';
import { isSettledBy } from './settle-votes.js';

/** What came of looking for what was settled. */
interface FollowedSettlement {
  /** Whether the key on record goes on by another certificate from now on. */
  readonly isNews: boolean;
  /** Whether servers were told, and took it in. */
  readonly isTold: boolean;
}

/**
 * Takes over by itself what was settled about which of several certificates of one epoch counts, whichever client of the owner carried it, and tells
 * servers that have not heard. Its votes prove it: nobody's word is believed, and nobody has to say yes. Of several forks the earliest, once: what is behind it
 * may be another one then.
 * @param silent names of servers that are known not to answer
 */
export async function followSettled(
  context: ClientContext,
  key: CertifiedKey,
  silent: readonly string[] = [],
): Promise<FollowedSettlement> {
  const servers = (await listServerRecords(context.store)).filter(({ name }) => !silent.includes(name));
  for (const epoch of await epochsToAskAbout(context, key, servers)) {
    const proof = await proofOf(context, key, epoch, servers);
    if (proof !== null) return takeOver(context, key, { epoch, proof, silent });
  }
  return { isNews: false, isTold: false };
}

/** Where servers left the chain on record here, and before its newest epoch: a server that waits for what counts shows no other way on. */
async function epochsToAskAbout(
  context: ClientContext,
  key: CertifiedKey,
  servers: readonly ServerRecord[],
): Promise<readonly number[]> {
  const known = knownOf(key);
  const left = await Promise.all(
    servers.map((one) => orNothing(async () => whereItLeft(await context.linkTo(one), known))),
  );
  const epochs = left.flatMap((branch) => (branch === null || branch === undefined ? [] : [branch.after]));
  const all = [...new Set([...epochs, known.newest - 1])];
  return all.filter((epoch) => epoch >= 0).toSorted((a, b) => a - b);
}

/** What the members of an epoch settled about the next one, on record here or shown by any server; null: nobody shows votes that hold. */
async function proofOf(
  context: ClientContext,
  key: CertifiedKey,
  epoch: number,
  servers: readonly ServerRecord[],
): Promise<SettledProof | null> {
  const before = epochAt(certificatesOf(key.record), epoch);
  const { keyId } = key;
  const known = (await standingRecords(context, key)).filter((one) => one.epoch === epoch);
  const kept = known.flatMap(({ certificates, votes }) =>
    votes === null ? [] : [{ certificates: [...certificates], ...votes }],
  );
  const shown = await Promise.all(
    servers.map((one) =>
      orNothing(async () => (await (await context.linkTo(one)).call('fork.show', { keyId, epoch })).settled),
    ),
  );
  const proofs = [...kept, ...shown].filter((one) => one !== undefined);
  return proofs.find(({ certificates, ...votes }) => isSettledBy({ before }, certificates, votes)) ?? null;
}

interface Found {
  readonly epoch: number;
  readonly proof: SettledProof;
  readonly silent: readonly string[];
}

async function takeOver(
  context: ClientContext,
  key: CertifiedKey,
  { epoch, proof, silent }: Found,
): Promise<FollowedSettlement> {
  const { certificates, promises, yields } = proof;
  const record: SettlementRecord = {
    state: 'open',
    createdAt: context.clock(),
    keyId: key.keyId,
    epoch,
    certificates,
    attempt: 0,
    votes: { promises, yields },
    told: [],
  };
  await saveSettlement(context.store, record);
  const run = await createSettleRun(context, key, record, () => undefined);
  const isNews = await keepCounted(run, []);
  const members = run.members.filter(({ server }) => !silent.includes(server.name));
  const telling: SettleRun = { ...run, members };
  const { told } = await endEverywhere(telling, { isAsOrdered: true });
  // Whoever was not waited for has not heard.
  if (members.length < run.members.length) await saveSettleRun(telling, { state: 'open' });
  return { isNews, isTold: told.length > 0 };
}
