import type { SettledProof } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { certificatesOf, changesOf, checkChain } from '../chain/key-chain.js';
import { learn, orNothing } from '../chain/learn-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { type Branch, type Known, knownOf, whereItLeft } from './branches.js';
import { endEverywhere, keepCounted, tellAt } from './end-fork.js';
import { isSettledHere, standingRecords } from './order-forks.js';
import { saveSettlement, type SettlementRecord } from './settlement-record.js';
import { createSettleRun, saveSettleRun, type SettleRun } from './settle-run.js';
import { outcomeOf, type ShownSettlement, shownSettlements } from './shown-votes.js';

/** What came of looking for what was settled. */
interface FollowedSettlement {
  /** Whether the key on record goes on by another certificate from now on. */
  readonly isNews: boolean;
  /** Whether servers that had not heard say that they took it in. One that lies can say so every time. */
  readonly isTold: boolean;
}

const NOTHING: FollowedSettlement = { isNews: false, isTold: false };

/**
 * Takes over by itself what was settled about which of several certificates of one epoch counts, whichever client of the owner carried it, and tells
 * servers that have not heard. Its votes prove it: nobody's word is believed, and nobody has to say yes. Of several forks the earliest that is
 * news, once: what is behind it may be another one then. One that is settled here keeps no later one from being looked at, whatever is shown of it; where votes that
 * hold settle it otherwise, nobody is told of either, unless the owner has said which counts.
 *
 * Where an epoch by another certificate is in use, or votes for different certificates hold, nothing is taken over: who settled an epoch may have left since, and
 * have been sold. Then it is for the owner to say.
 * @param silent names of servers that are known not to answer
 */
export async function followSettled(
  context: ClientContext,
  key: CertifiedKey,
  silent: readonly string[] = [],
): Promise<FollowedSettlement> {
  const servers = (await listServerRecords(context.store)).filter(({ name }) => !silent.includes(name));
  const known = knownOf(key);
  const look: Look = { context, key, known, servers, silent, left: await readLeft(context, servers, known) };
  let isTold = false;
  for (const epoch of epochsToAskAbout(look)) {
    const followed = await followAt(look, epoch);
    isTold ||= followed.isTold;
    if (followed.isNews) return { isNews: true, isTold };
  }
  return { isNews: false, isTold };
}

interface Look {
  readonly context: ClientContext;
  readonly key: CertifiedKey;
  readonly known: Known;
  /** Those that are asked. */
  readonly servers: readonly ServerRecord[];
  readonly silent: readonly string[];
  readonly left: readonly Left[];
}

/** Where a server left the chain on record here. */
interface Left {
  readonly server: ServerRecord;
  readonly branch: Branch;
}

async function readLeft(
  context: ClientContext,
  servers: readonly ServerRecord[],
  known: Known,
): Promise<readonly Left[]> {
  const left = await Promise.all(
    servers.map(async (server) => {
      const branch = await orNothing(async () => whereItLeft(await context.linkTo(server), known));
      return branch === null || branch === undefined ? [] : [{ server, branch }];
    }),
  );
  return left.flat();
}

/** Where servers left the chain on record here, and before its newest epoch: a server that waits for what counts shows no other way on. */
function epochsToAskAbout({ known, left }: Look): readonly number[] {
  const all = [...new Set([...left.map(({ branch }) => branch.after), known.newest - 1])];
  return all.filter((epoch) => epoch >= 0).toSorted((a, b) => a - b);
}

async function followAt(look: Look, epoch: number): Promise<FollowedSettlement> {
  const { context, key, servers } = look;
  const chain = certificatesOf(key.record);
  const shown = await shownSettlements(context, servers, settlingEpoch(look, epoch));
  const kept = (await standingRecords(context, key)).find((one) => one.epoch === epoch && one.votes !== null);
  const own = kept === undefined ? [] : [{ certificates: [...kept.certificates], ...kept.votes! }];
  const insists = kept?.insists === true;
  const proof = onlyOutcome(look, epoch, insists ? own : [...own, ...shown.map((one) => one.proof)]);
  if (proof === null) return NOTHING;
  // What stands here is written over by nothing that is shown.
  if (kept !== undefined && isSettledHere(chain, kept))
    return { isNews: false, isTold: await tellOthers(look, kept, shown) };
  const record = { ...recordOf(look, epoch, proof), insists };
  const isGiven = kept !== undefined || isSettledHere(chain, record);
  if (!isGiven && (await isOvertaken(look, epoch, proof, shown))) return NOTHING;
  return takeOver(look, record);
}

/** The epoch whose members settle. Checked once for all that is asked about it: a chain may be long. */
function settlingEpoch({ known }: Look, epoch: number): CertifiedEpoch {
  return checkChain(known.upTo(epoch)).newest;
}

/** What these settle on, all of which hold; null: nothing, or on several: then so many who settled lie that none of it is taken. */
function onlyOutcome(look: Look, epoch: number, proofs: readonly SettledProof[]): SettledProof | null {
  const [first] = proofs;
  const before = settlingEpoch(look, epoch);
  const names = new Set(proofs.map(({ certificates }) => outcomeOf(before, certificates)));
  return first !== undefined && names.size === 1 ? first : null;
}

/**
 * Whether an epoch by another certificate is in use: it is on record here, and fewer than its quorum show that they took in what was settled, or one behind it is
 * shown by any server. Those who settle may have left by that very change, and servers that came to the key by it believe them no more than those that have gone on.
 */
async function isOvertaken(
  look: Look,
  epoch: number,
  proof: SettledProof,
  shown: readonly ShownSettlement[],
): Promise<boolean> {
  const { context, key, known, left } = look;
  const { quorum, roster } = key.newest.params;
  const took = roster.filter(({ serverId }) => shown.some(({ server }) => equalBytes(server.xid, serverId)));
  if (known.newest > epoch && took.length < quorum.needed) return true;
  const counted = outcomeOf(settlingEpoch(look, epoch), proof.certificates);
  const others = left.filter(({ branch: { after, name } }) => after >= epoch && name !== counted);
  const chains = await Promise.all(
    others.map(({ server, branch }) =>
      orNothing(async () => learn(await context.linkTo(server), key.keyId, branch.chain)),
    ),
  );
  return chains.some((chain) => chain !== undefined && changesOf(chain).length > epoch + 1);
}

/** Tells servers that do not show what is settled here. @returns whether any of them took it in */
async function tellOthers(
  { context, key, silent }: Look,
  record: SettlementRecord,
  shown: readonly ShownSettlement[],
): Promise<boolean> {
  const run = await createSettleRun(context, key, record, () => undefined);
  const heard = shown.map(({ server }) => server.name);
  const others = run.members.filter(
    ({ server: { name } }) => !heard.includes(name) && !silent.includes(name),
  );
  const told = await Promise.all(
    others.map((member) => orNothing(async () => tellAt(run, member, await context.linkTo(member.server)))),
  );
  return told.some((one) => one !== undefined && one !== 'none');
}

function recordOf(
  { context, key: { keyId } }: Look,
  epoch: number,
  { certificates, promises, yields }: SettledProof,
): SettlementRecord {
  return {
    state: 'open',
    createdAt: context.clock(),
    keyId,
    epoch,
    certificates,
    attempt: 0,
    votes: { promises, yields },
    told: [],
    insists: false,
  };
}

async function takeOver(
  { context, key, silent }: Look,
  record: SettlementRecord,
): Promise<FollowedSettlement> {
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
