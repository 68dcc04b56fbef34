import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyTerms, Parameters, Result, WindowAsked } from '@ckm/api';
import {
  carryChange,
  type CeremonyOptions,
  completeChange,
  createQuorumSigner,
  fetchChain,
  nextMember,
  type QuorumSigner,
} from '@ckm/testkit';
import { judgeVotes, parseCertificate, parseChangeCertificate, verifyChain } from '@ckm/threshold';
import type { BareCaller, BareOptions, BareServer } from './bare-server.js';
import { alice, type BareServers, makeKey, type MadeKey } from './bare-servers.js';

/** Servers, of which some have a key that is used only so often. Places count from 0. */
export interface CountedKey {
  readonly network: BareServers;
  readonly servers: BareServer[];
  /** As Alice. */
  readonly callers: BareCaller[];
  readonly made: MadeKey;
  readonly keyId: Uint8Array;
  /** The places of its servers, by epoch. */
  readonly rosters: (readonly number[])[];
}

export interface CountedOptions {
  readonly count: number;
  readonly needed?: number;
  /** How many of the servers have the key; all unless said. */
  readonly of?: number;
  readonly rateLimit: { readonly count: number; readonly perSeconds: number } | null;
  /** What else its terms say, and what it is made for. */
  readonly terms?: Partial<KeyTerms>;
  readonly made?: Pick<CeremonyOptions, 'purpose' | 'suite'>;
  readonly server?: Partial<BareOptions>;
}

/** One whose changes wait for nobody. */
export async function makeCountedKey(
  network: BareServers,
  { count, needed = 2, of = count, rateLimit, terms = {}, made: as = {}, server = {} }: CountedOptions,
): Promise<CountedKey> {
  const { servers, callers } = await network.openMany(count, server);
  const policy = { ...terms, rateLimit, changes: 'automatic', changeDelay: 0 } as const;
  const expiresAt = servers[0]!.context.clock() + 600;
  const made = await makeKey(callers.slice(0, of), { ...as, policy, needed, expiresAt });
  const rosters = [Array.from({ length: of }, (_, at) => at)];
  return { network, servers, callers, made, keyId: made.keyId, rosters };
}

/** A client in the newest epoch; slots are of that. */
export async function signerOf({ callers, servers, keyId, rosters }: CountedKey): Promise<QuorumSigner> {
  const roster = rosters.at(-1)!;
  const [first, ...changes] = await fetchChain(callers[roster[0]!]!, keyId);
  const epochs = verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes);
  const { params, public: key } = epochs.at(-1)!;
  const expiresAt = servers[0]!.context.clock() + 600;
  const at = roster.map((place) => callers[place]!);
  return createQuorumSigner({
    servers: at,
    keyId,
    key,
    purpose: params.purpose,
    expiresAt,
    epoch: params.epoch,
  });
}

/** Slots of places, in the newest epoch. */
export function slotsOf({ rosters }: Pick<CountedKey, 'rosters'>, places: readonly number[]): number[] {
  return places.map((place) => rosters.at(-1)!.indexOf(place) + 1).toSorted((a, b) => a - b);
}

/** The data of a server as it is now: what a backup would bring back of it. */
export async function backUp(key: CountedKey, place: number): Promise<string> {
  const { network, servers } = key;
  const folder = mkdtempSync(join(tmpdir(), 'ckm-old-'));
  const server = servers[place]!;
  await server.stop();
  cpSync(server.dataDir, folder, { recursive: true });
  await startAgain(key, place, await network.restart(server));
  return folder;
}

/** A server as it was, which knows that it may be older than what it did. */
export async function bringBack(key: CountedKey, place: number, folder: string): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'ckm-back-'));
  cpSync(folder, copy, { recursive: true });
  const server = await key.network.restart(key.servers[place]!, { dataDir: copy });
  await server.sessions.voidOpen('the database is an older one');
  await startAgain(key, place, server);
}

async function startAgain({ servers, callers }: CountedKey, place: number, server: BareServer) {
  servers[place] = server;
  callers[place] = await server.as(alice);
}

/**
 * The key goes over to the servers of these places, at everybody that is there.
 * @param by places of those who decide; all that have it unless said
 */
export async function changeTo(
  key: CountedKey,
  to: readonly number[],
  needed: number,
  by?: readonly number[],
): Promise<void> {
  await (
    await changeAtFirst(key, to, needed, { first: [], by })
  )();
}

/**
 * The same by a courier who shows the servers of some places first that the others have it: they go over, and those sign in the epoch before.
 * @returns shows it to all, who go over as well
 */
export async function changeAtFirst(
  key: CountedKey,
  to: readonly number[],
  needed: number,
  { first, by }: { readonly first: readonly number[]; readonly by?: readonly number[] | undefined },
): Promise<() => Promise<void>> {
  const { callers, keyId, rosters } = key;
  const change = await carriedTo(key, to, needed);
  const slots = by === undefined ? undefined : slotsOf(key, by);
  const certificate = await completeChange(change, 1, slots);
  if (first.length > 0) {
    const acknowledgements = await change.acknowledge(certificate);
    for (const place of first)
      await callers[place]!.call('change.commit', { keyId, certificate, acknowledgements });
  }
  return async () => {
    await change.commit(certificate);
    rosters.push(to);
  };
}

function carriedTo({ servers, callers, keyId, rosters }: CountedKey, to: readonly number[], needed: number) {
  const next = to.map((place) => nextMember(servers[place]!, callers[place]!));
  const from = rosters.at(-1)!.map((place) => callers[place]!);
  const expiresAt = () => servers[0]!.context.clock() + 600;
  return carryChange({ servers: from, keyId, expiresAt, next, needed });
}

/** A change is ordered that its servers are to wait for. */
export async function orderChange(key: CountedKey, to: readonly number[], needed: number): Promise<void> {
  await (await carriedTo(key, to, needed)).propose();
}

type Heads = Parameters<'key.heads'>['heads'];

/**
 * What servers of these places say, in answer to what another one asks.
 * @param windows which they are asked about; those that it asks about unless said
 */
export async function gatherHeads(
  { callers, keyId, rosters }: CountedKey,
  asking: number,
  by: readonly number[],
  windows?: readonly WindowAsked[],
): Promise<Heads> {
  const asked = await callers[asking]!.call('key.head', { keyId, nonce: new Uint8Array(32) });
  const question = { keyId, nonce: asked.asks!, windows: [...(windows ?? asked.windows ?? [])] };
  const asks = [rosters.length - 1, ...(asked.rosters ?? [])];
  // Of whom it believes: others are of no epoch that it asks about.
  const believed = by.flatMap((place) => {
    const epoch = asks.find((one) => rosters[one]!.includes(place));
    return epoch === undefined ? [] : [{ place, epoch }];
  });
  return Promise.all(
    believed.map(async ({ place, epoch }) => {
      const { head, signature } = await callers[place]!.call('key.head', question);
      return { slot: rosters[epoch]!.indexOf(place) + 1, epoch, head, signature };
    }),
  );
}

/** Shows a server what those of these places say. @throws as it does */
export async function tellCounts(
  key: CountedKey,
  asking: number,
  by: readonly number[],
): Promise<Result<'key.heads'>> {
  const heads = await gatherHeads(key, asking, by);
  return key.callers[asking]!.call('key.heads', { keyId: key.keyId, heads });
}
