import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { carryChange, completeChange, fetchChain, nextMember, preparing } from '@ckm/testkit';
import { encodeChangeCertificate, parseChangeCertificate } from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import type { BareCaller, BareServer } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, SOON } from '../../test/bare-servers.js';
import { signIn } from '../../test/signs.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const CHARLIE = 2;

test(
  'a server that is restored from before it was removed, with epochs between of which it was part, takes in that it was removed, destroys its old share, and is added again',
  { tags: ['slow'] },
  async () => {
    const { servers, callers } = await network.openMany(4);
    const first = callers.slice(0, 3);
    const made = await makeKey(first, { policy: { changes: 'automatic', changeDelay: 0 } });
    const { keyId } = made;
    const old = mkdtempSync(join(tmpdir(), 'ckm-old-'));
    await servers[CHARLIE]!.stop();
    cpSync(servers[CHARLIE]!.dataDir, old, { recursive: true });
    servers[CHARLIE] = await network.restart(servers[CHARLIE]!);
    callers[CHARLIE] = await servers[CHARLIE].as(alice);

    const memberOf = (place: number) => nextMember(servers[place]!, callers[place]!);
    const change = async (from: readonly number[], to: readonly number[]) => {
      const carried = await carryChange({
        servers: from.map((slot) => callers[slot]!),
        keyId,
        expiresAt: SOON,
        next: to.map(memberOf),
        needed: 2,
      });
      return { carried, committed: await carried.commit(await completeChange(carried)) };
    };
    const toFirst = await change([0, 1, 2], [0, 1, 2, 3]);
    await change([0, 1, 2, 3], [0, 1, 2]);
    const last = await change([0, 1, 2], [0, 1, 3]);
    const chain = await fetchChain(callers[0]!, keyId);
    expect(chain).toHaveLength(4);

    servers[CHARLIE] = await network.restart(servers[CHARLIE], { dataDir: old });
    await servers[CHARLIE].sessions.voidOpen('the database is an older one');
    const charlie: BareCaller = await servers[CHARLIE].as(alice);
    callers[CHARLIE] = charlie;
    await expect(charlie.call('change.commit', { keyId, certificate: chain[1]! })).rejects.toThrow(
      code('CHANGE_SHARE_LOST'),
    );
    const acknowledged = await last.carried.acknowledge(chain[3]!, [1, 2]);
    const leave = (certificates: readonly Uint8Array[], acknowledgements = acknowledged) =>
      charlie.call('change.leave', { keyId, certificates: [...certificates], acknowledgements });
    // It is among the servers of the last that it is shown, or is not shown every one.
    await expect(leave(chain.slice(1, 3))).rejects.toThrow(code('CHANGE_SHARE_LOST'));
    await expect(leave(chain.slice(2))).rejects.toThrow();
    const { yields } = parseChangeCertificate(chain[2]!);
    const forged = encodeChangeCertificate({ ...parseChangeCertificate(chain[3]!), yields });
    await expect(leave([...chain.slice(1, 3), forged])).rejects.toThrow(code('CHANGE_NOT_DECIDED'));
    expect((await charlie.call('key.show', { keyId })).key.left).toBeUndefined();

    // What it leaves behind can be used by nobody as long as nobody has shares of what follows.
    await expect(leave(chain.slice(1), acknowledged.slice(1))).rejects.toThrow(
      code('ACKNOWLEDGEMENTS_TOO_FEW'),
    );
    expect(await leave(chain.slice(1))).toEqual({ epoch: 3 });
    expect(await leave([])).toEqual({ epoch: 3 });
    await expect(charlie.call('craft.prepare', preparing(keyId, 1))).rejects.toThrow(code('KEY_LEFT'));
    expect(await fetchChain(charlie, keyId)).toEqual(chain);
    const acknowledgements = toFirst.committed.map((one, i) => ({
      slot: i + 1,
      signature: one.acknowledgement!,
    }));
    await charlie.call('change.retire', { keyId, epoch: 0, acknowledgements });
    expect(await sharesOf(servers[CHARLIE])).toEqual([]);

    await change([0, 1, 3], [0, 1, 2]);
    // Charlie asks, and stands in the third slot.
    const { asks } = await charlie.call('key.head', { keyId, nonce: new Uint8Array(32) });
    const heads = await Promise.all(
      [1, 2].map(async (slot) => {
        const said = await callers[slot - 1]!.call('key.head', { keyId, nonce: asks! });
        return { slot, head: said.head, signature: said.signature };
      }),
    );
    await charlie.call('key.heads', { keyId, heads });
    const { before } = await carryChange({ servers: callers.slice(0, 3), keyId, expiresAt: SOON });
    await signIn(callers.slice(0, 3), made, before.public, { epoch: 4, signers: [2, 3] });
  },
);

async function sharesOf({ context }: BareServer): Promise<readonly number[]> {
  const rows = await context.storage.read(({ shares }) => shares.listAll(null, 10));
  return rows.map(({ epoch }) => epoch);
}
