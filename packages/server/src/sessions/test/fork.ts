import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPolicy, signIdentityStatement } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { carryChange, nextMember, type WholeChange } from '@ckm/testkit';
import { parseChangeCertificate, recoveryAckStatement } from '@ckm/threshold';
import { type BareCaller, type BareServer, TEST_TIME } from './bare-server.js';
import { alice, type BareServers, makeKey, type MadeKey, SOON } from './bare-servers.js';

const NAMES = ['alpha', 'bravo', 'charlie', 'delta'];
const LIAR = 3;

/** A key of 2 of 3 whose charlie, two machines of one identity, decided on one next epoch with alpha and on another with bravo. */
export interface ForkedServers {
  readonly servers: BareServer[];
  /** alpha, bravo, charlie and whoever joins, as Alice. */
  readonly callers: BareCaller[];
  readonly made: MadeKey;
  readonly keyId: Uint8Array;
  /** That of alpha, and that of bravo. */
  readonly one: Uint8Array;
  readonly other: Uint8Array;
  /** Has a server go over by a certificate, as if all servers of that epoch had acknowledged it. */
  goOver(caller: BareCaller, certificate: Uint8Array): Promise<void>;
}

export interface ForkOptions {
  readonly policy?: Partial<KeyPolicy>;
  /** Places in the next rosters, from 0: that of alpha’s epoch, and that of bravo’s. Default: all three. */
  readonly ours?: readonly number[];
  readonly theirs?: readonly number[];
  readonly now?: () => number;
}

const AT_ONCE = { changes: 'automatic', changeDelay: 0 } as const;
const SAME = [0, 1, 2];

export async function forkKey(
  network: BareServers,
  { policy = AT_ONCE, ours = SAME, theirs = SAME, now = () => TEST_TIME }: ForkOptions = {},
): Promise<ForkedServers> {
  const secretsOf = (i: number) => ({
    seed: new Uint8Array(32).fill(i + 1),
    storageKey: new Uint8Array(32).fill(101 + i),
    now,
  });
  const servers: BareServer[] = [];
  for (const [i, name] of NAMES.entries()) servers.push(await network.open({ name, ...secretsOf(i) }));
  const callers = await Promise.all(servers.map((server) => server.as(alice)));
  const made = await makeKey(callers.slice(0, 3), { policy });
  const { keyId } = made;
  const memberOf = (place: number) => nextMember(servers[place]!, callers[place]!);
  const change = (members: readonly BareCaller[], places: readonly number[]) =>
    carryChange({
      servers: members,
      keyId,
      expiresAt: SOON,
      next: places.map(memberOf),
      needed: 2,
    });
  const honest = callers.slice(0, 3);

  const first = await change(honest, ours);
  await first.propose();
  // Charlie’s other machine knows nothing of what the one is going to say.
  const folder = mkdtempSync(join(tmpdir(), 'ckm-twin-'));
  const place = LIAR - 1;
  servers[place] = await network.restart(servers[place]!);
  await servers[place].stop();
  cpSync(servers[place].dataDir, folder, { recursive: true });
  servers[place] = await network.open({
    name: 'charlie',
    dataDir: servers[place].dataDir,
    ...secretsOf(place),
  });
  const twin = await network.open({ name: 'charlie', dataDir: folder, ...secretsOf(place) });
  callers[place] = await servers[place].as(alice);
  const twinCaller = await twin.as(alice);
  const decide = async (
    carried: Awaited<ReturnType<typeof change>>,
    whole: WholeChange,
    promises: readonly Uint8Array[],
    slots: readonly number[],
  ) => {
    const locks = await carried.lock(1, whole, promises, slots);
    const yields = await carried.yield(whole, carried.locksOf(1, whole, locks), slots);
    return carried.certify(1, whole, { promises, locks, yields });
  };
  const left = await change([callers[0]!, callers[1]!, callers[place]], ours);
  await left.propose();
  const promises = await left.promise(1, [1, LIAR]);
  const whole = await left.move(1, promises);

  // Who receives by the other too has decided on nothing when it does; who does not may have decided before.
  const isInBoth = theirs.includes(0);
  const early = isInBoth ? null : await decide(left, whole, promises, [1, LIAR]);
  callers[place] = twinCaller;
  const right = await change([callers[0]!, callers[1]!, twinCaller], theirs);
  await right.propose();
  const otherPromises = await right.promise(1, [2, LIAR]);
  const otherWhole = await right.move(1, otherPromises);
  const other = await decide(right, otherWhole, otherPromises, [2, LIAR]);
  callers[place] = await servers[place].as(alice);
  const one = early ?? (await decide(left, whole, promises, [1, LIAR]));
  await twin.stop();
  const goOver = async (caller: BareCaller, certificate: Uint8Array) => {
    const { transcriptHash, epoch } = await caller.call('change.commit', { keyId, certificate });
    const { roster } = parseChangeCertificate(certificate).change.next;
    const acknowledgements = roster.map(({ slot, serverId }) => {
      const { identity } = servers.find(({ context }) => equalBytes(context.identity.xid, serverId))!.context;
      const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
      return { slot, signature: signIdentityStatement(identity, statement) };
    });
    await caller.call('change.commit', { keyId, certificate, acknowledgements });
  };
  return { servers, callers, made, keyId, one, other, goOver };
}

/** The same, where servers have gone over: alpha and charlie by the one, bravo by the other. */
export async function forkApart(network: BareServers, options: ForkOptions = {}): Promise<ForkedServers> {
  const found = await forkKey(network, options);
  const { callers, one, other, goOver } = found;
  const [alpha, bravo, charlie] = callers;
  for (const caller of [alpha!, charlie!]) await goOver(caller, one);
  await goOver(bravo!, other);
  return found;
}
