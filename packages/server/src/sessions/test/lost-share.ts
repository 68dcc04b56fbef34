import type { KeyPolicy } from '@ckm/api';
import { encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest, requestKind, frostTasks } from '@ckm/requests';
import type { CeremonyOptions } from '@ckm/testkit';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { EpochRecord } from '../keys/stored/epoch-record.js';
import { writeKey } from '../keys/stored/write-key.js';
import type { BareCaller, BareOptions, BareServer } from './bare-server.js';
import { alice, type BareServers, makeKey, type MadeKey } from './bare-servers.js';
import { loseDatabase, recordOf } from './lost-database.js';
import { createRepairCourier, type RepairCourier, type RepairOptions } from './repair-courier.js';

/** Servers with a key of Alice's; bravo has lost its share of it since. */
export interface LostShare {
  readonly made: MadeKey;
  readonly policy: KeyPolicy;
  readonly servers: BareServer[];
  /** As Alice, in slot order. */
  readonly callers: BareCaller[];
  /** What bravo kept before. */
  readonly before: EpochRecord;
  /** A repair of bravo's share, by the others unless named. */
  repair(options?: Partial<RepairOptions>): RepairCourier;
}

/**
 * `keys`: the folder of epoch keys is gone, the rows are there; `all`: nothing but identity and storage key is left; `other`: what is stored opens, and is
 * not the share that was certified, as a fault of memory may have left it.
 */
export type Loss = 'keys' | 'all' | 'other';

export const LOST = 2;

export async function makeKeyThenLoseShare(
  network: BareServers,
  loss: Loss,
  options: Partial<CeremonyOptions> = {},
  server: Partial<BareOptions> = {},
): Promise<LostShare> {
  const { servers, callers } = await network.openMany(3, server);
  const made = await makeKey(callers, options);
  const { policy } = await callers[0]!.call('key.show', { keyId: made.keyId });
  const before = await recordOf(servers[1]!, made.keyId);
  await loseShareAt(network, servers, callers, made.keyId, LOST, loss);
  return {
    made,
    policy,
    servers,
    callers,
    before,
    repair: (changes = {}) =>
      createRepairCourier({ servers, callers, made, policy, target: LOST, helpers: [1, 3], ...changes }),
  };
}

/** The server of a slot starts again without its share. */
export async function loseShareAt(
  network: BareServers,
  servers: BareServer[],
  callers: BareCaller[],
  keyId: Uint8Array,
  slot: number,
  loss: Loss,
  epoch = 0,
): Promise<void> {
  const server = servers[slot - 1]!;
  if (loss === 'keys') server.context.epochKeys.destroy({ owner: alice.xid, keyId, epoch });
  if (loss === 'other') await storeOther(server, keyId, servers[slot % servers.length]!);
  servers[slot - 1] = await (loss === 'all' ? loseDatabase(network, server) : network.restart(server));
  callers[slot - 1] = await servers[slot - 1]!.as(alice);
}

/** Stores the share of another server as if it were this one's. */
export async function storeOther(server: BareServer, keyId: Uint8Array, another: BareServer): Promise<void> {
  const own = await recordOf(server, keyId);
  const { share } = (await recordOf(another, keyId)).certified!;
  await storeShare(server, keyId, own, share);
}

/** Stores nothing but zeros as its share, as of one that was wiped before it was sealed. */
export async function storeWiped(server: BareServer, keyId: Uint8Array): Promise<void> {
  await storeShare(server, keyId, await recordOf(server, keyId), new Uint8Array(32));
}

async function storeShare(
  { context }: BareServer,
  keyId: Uint8Array,
  own: EpochRecord,
  share: Uint8Array,
): Promise<void> {
  await context.storage.transact(async (transaction) => {
    const row = (await transaction.keys.hold(alice.xid, keyId))!;
    const certified = { ...own.certified!, share };
    await writeKey(context, transaction, row, row, { ...own, certified });
  });
}

/** Whether these slots sign together, as noble judges it with the public key of the certificate. */
export async function signsWith(
  { made: { signer, key } }: LostShare,
  slots: readonly number[],
): Promise<boolean> {
  const payload = buildMessageRequest({ domain: 'test', bytes: encodeUtf8('after the repair') });
  const context = { suite: key.suite, purpose: 'message', public: key };
  const [task] = frostTasks(requestKind('message').parse(payload).tasks(context));
  const signature = await signer.sign({ kind: 'message', payload }, slots);
  return ed25519.verify(signature, task!.message, key.groupKey);
}
