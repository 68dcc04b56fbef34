import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { requestKind, frostTasks } from '@ckm/requests';
import { type BareCaller, type BareServer, storedShares } from '@ckm/server/test';
import { type CarriedChange, carryChange, createQuorumSigner, nextMember } from '@ckm/testkit';
import type { CertifiedEpoch } from '@ckm/threshold';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Client, ClientOptions } from '../client.js';
import { changeIdOf } from '../keys/chain/change-record.js';
import type { ChangeWish } from '../keys/changes/plan-change.js';
import type { RepairKeyArgs } from '../keys/repair/repair-key.js';
import { copyDisk, loseShare } from './disks.js';
import { createLifeJudge, type Draw, shuffled } from './life-judge.js';
import { approveSessions } from './operators.js';
import { asOwner, NAME } from './owned-key.js';
import { createTestNetwork, messageOf, type TestNetwork } from './test-network.js';

export const DAY = 86_400 as const;
export const NAMES = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
/** Seconds: longest step between two looks of a server at its clock that counts as time in which it ran. */
const STEP = 1_200;
const MOST_TRIES = 14;

/** Five servers, the client of an owner of one key, and a judge who sees everything that lies anywhere. */
export interface KeyLife {
  readonly network: TestNetwork;
  readonly client: Client;
  readonly keyId: Uint8Array;
  readonly groupKey: Uint8Array;
  /** As the owner, without a client. */
  callerOf(name: string): Promise<BareCaller>;
  /** Time in which all servers run. */
  pass(seconds: number): Promise<void>;
  /** Repeats a command of the owner until it is through, and nobody is behind. @throws when it never is */
  change(wish: ChangeWish): Promise<void>;
  /** One that is carried by hand. */
  carry(members: readonly string[], needed: number): Promise<CarriedChange>;
  /** Its epoch key is gone: the share with it. */
  loseShare(name: string): Promise<void>;
  repair(name: string, insisting?: Pick<RepairKeyArgs, 'endsChanges'>): Promise<void>;
  backUp(name: string): Promise<void>;
  /** Puts the last backup in the place of what is there, as `ckm server restore` does. */
  restore(name: string): Promise<void>;
  /** Whether these servers make a signature together, and noble accepts it under the key as it was first made. */
  signs(epoch: CertifiedEpoch, names: readonly string[]): Promise<boolean>;
  newest(): Promise<CertifiedEpoch>;
  /** @throws when anything holds that may not. @param draw by which sets of shares are chosen */
  judge(draw: Draw): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param changeDelay what the key's servers wait for before its servers change, in seconds
 * @param options of the client
 */
export async function createKeyLife(
  members: readonly string[],
  needed: number,
  changeDelay: 0 | typeof DAY = DAY,
  strict = false,
  options: Partial<ClientOptions> = {},
): Promise<KeyLife> {
  const network = await createTestNetwork(NAMES.length);
  const client = await network.owner(options);
  await client.createKey({
    name: NAME,
    purpose: 'message',
    quorum: { needed, of: members.length },
    servers: [...members],
    policy: { changes: 'automatic', changeDelay },
    strict,
  });
  const { keyId, public: born } = await client.showKey(NAME);
  const { groupKey } = born;
  const backups = new Map<string, string>();
  const callers = new WeakMap<BareServer, Promise<BareCaller>>();
  const folders: string[] = [];

  async function callerOf(name: string): Promise<BareCaller> {
    const server = network.server(name);
    const known = callers.get(server.bare) ?? asOwner(server);
    callers.set(server.bare, known);
    return known;
  }

  async function newest(): Promise<CertifiedEpoch> {
    return (await client.showKey(NAME)).newest;
  }

  /** A quorum of the newest epoch, as the owner signs with it, and one server fewer, by hand. */
  async function judgeUse(draw: Draw): Promise<void> {
    const { params } = await newest();
    const names = params.roster.map(({ serverId }) => nameOf(serverId));
    const holding = names.filter((name) => !lost.has(name));
    const quorum = shuffled(holding, draw).slice(0, params.quorum.needed);
    const without = names.filter((name) => !quorum.includes(name));
    const { signers } = await client.sign({ key: NAME, ...messageOf('still'), without });
    if (signers.length !== params.quorum.needed) throw new Error('another number of signers than needed');
    if (await life.signs(await newest(), quorum.slice(1))) throw new Error('too few sign');
  }

  function nameOf(serverId: Uint8Array): string {
    return network.servers.find(({ identity }) => equalBytes(identity.xid, serverId))!.name;
  }

  const lost = new Set<string>();
  const shares = createLifeJudge({ network, keyId, groupKey, callerOf });

  const life: KeyLife = {
    network,
    client,
    keyId,
    groupKey,
    callerOf,
    newest,
    async pass(seconds) {
      for (let left = seconds; left > 0; left -= STEP) {
        network.now += Math.min(left, STEP);
        for (const { bare } of network.servers) await bare.sessions.sweep();
      }
    },
    async change(wish) {
      const said: string[] = [];
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        try {
          const { isAsOrdered, forgetting } = await client.changeKey({ name: NAME, wish });
          network.makeHonest();
          if (forgetting.some(({ outcome }) => outcome === 'silent')) await finishOpen(client);
          if (isAsOrdered) return lost.clear();
          said.push('another order came about');
        } catch (error) {
          said.push(inWords(error));
          network.makeHonest();
        }
        await life.pass(said.at(-1)!.startsWith('CHANGE_WAITING') ? DAY : 600);
      }
      throw new Error(`the change does not come about: ${said.join('; ')}`);
    },
    async carry(members, of) {
      const { params } = await newest();
      const servers = await Promise.all(params.roster.map(({ serverId }) => callerOf(nameOf(serverId))));
      const next = await Promise.all(
        members.map(async (name) => {
          const callee = servers.find((one) => one.name === name) ?? (await callerOf(name));
          return nextMember(network.server(name).bare, callee);
        }),
      );
      return carryChange({ servers, keyId, expiresAt: () => network.now + 600, next, needed: of });
    },
    async loseShare(name) {
      await loseShare(network.server(name));
      lost.add(name);
    },
    async repair(name, insisting = {}) {
      const said: string[] = [];
      for (let tries = 0; tries < 6; tries++) {
        try {
          await client.repairKey({ name: NAME, server: name, ...insisting });
          lost.delete(name);
          return;
        } catch (error) {
          said.push(inWords(error));
        }
        await approveSessions(network);
      }
      throw new Error(`the share does not come back: ${said.join('; ')}`);
    },
    async backUp(name) {
      const folder = await copyDisk(network.server(name));
      folders.push(folder);
      backups.set(name, folder);
    },
    async restore(name) {
      const server = network.server(name);
      const { dataDir } = server.bare;
      // Of a backup another one can be restored later: what is used is a copy of it.
      const copy = mkdtempSync(join(tmpdir(), 'ckm-restored-'));
      cpSync(backups.get(name)!, copy, { recursive: true });
      await server.restart({ dataDir: copy });
      folders.push(dataDir);
      await server.bare.sessions.voidOpen('the database is an older one');
      const { params } = await newest();
      const isOfNewest = (await storedShares(server.bare)).some(({ epoch }) => epoch === params.epoch);
      if (!isOfNewest) lost.add(name);
    },
    async signs(epoch, names) {
      const { params } = epoch;
      const servers = await Promise.all(
        params.roster.map(async ({ serverId }) => callerOf(nameOf(serverId))),
      );
      const slots = names.map((name) => servers.findIndex((one) => one.name === name) + 1);
      const signer = createQuorumSigner({
        servers,
        keyId,
        key: epoch.public,
        purpose: 'message',
        expiresAt: network.now + 600,
        epoch: params.epoch,
      });
      const asked = messageOf(`in epoch ${params.epoch}`);
      try {
        const signature = await signer.sign(
          asked,
          slots.toSorted((a, b) => a - b),
        );
        const context = { suite: params.suite, purpose: 'message', public: epoch.public };
        const [task] = frostTasks(requestKind(asked.kind).parse(asked.payload).tasks(context));
        return ed25519.verify(signature, task!.message, groupKey);
      } catch (error) {
        if (!(error as Error).message.startsWith('wrong shares of')) inWords(error);
        return false;
      }
    },
    async judge(draw) {
      await shares.judge(draw);
      await judgeUse(draw);
    },
    async close() {
      await network.close();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
  return life;
}

/** Shows the certificate to whoever was away, and has old shares destroyed. */
async function finishOpen(client: Client): Promise<void> {
  for (const change of await client.listChanges()) {
    if (change.state === 'open') await client.resumeSession(encodeHex(changeIdOf(change)));
  }
}

/** Whatever is refused is refused in words. @throws what is a defect of ours */
function inWords(error: unknown): string {
  if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
  return `${error.code} (${error.message})`;
}
