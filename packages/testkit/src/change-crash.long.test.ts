// @module-tag long
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMortalOwner, type MortalOwner, survive } from './mortal-owners.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const NAMES = ['alpha', 'bravo', 'charlie'];
/** More commits than any server has in one command. */
const MOST = 40;

describe.skipIf(!canSpawnServers)(
  'servers in processes of their own that are killed at a commit (skipped when not compiled: npm run build)',
  () => {
    const servers: ServerProcess[] = [];
    let owner: MortalOwner;
    let turn = 0;
    beforeAll(async () => {
      servers.push(...(await Promise.all(NAMES.map((name) => spawnServer({ name })))));
      owner = await createMortalOwner(servers);
    }, 60_000);
    afterAll(async () => {
      await owner.close();
      for (const server of servers) await server.remove();
    });

    const make = (name: string, policy: object = {}) =>
      owner.client.createKey({
        name,
        purpose: 'message',
        quorum: { needed: 2, of: 3 },
        servers: NAMES,
        policy,
      });

    /** Each server is in the newest epoch, and in no other; some quorum of them signs, another one each time. */
    async function expectWhole(name: string, groupKey: Uint8Array, epoch: number): Promise<void> {
      const key = await owner.client.showKey(name);
      expect(encodeHex(key.public.groupKey)).toBe(encodeHex(groupKey));
      expect(key.newest.params.epoch).toBe(epoch);
      const { isSound, servers: verdicts } = await owner.client.verifyKey(name);
      expect({ isSound, verdicts: verdicts.map(({ verdict }) => verdict) }).toEqual({
        isSound: true,
        verdicts: key.roster.map(() => 'holds'),
      });
      const { needed, of } = key.public.quorum;
      const without = needed === of ? [] : [NAMES[turn++ % of]!];
      expect((await owner.sign(name, without)).signers).toHaveLength(needed);
    }

    for (const when of ['before', 'after'] as const) {
      test(`kill -9 ${when} every commit of a change, of each server in turn: the key signs, and the command given again finishes it`, async () => {
        const name = `letters-${when}`;
        await make(name, { changes: 'automatic', changeDelay: 0 });
        const { public: born } = await owner.client.showKey(name);
        let epoch = 0;
        let deaths = 0;
        for (let commit = 1, alive = 0; alive < NAMES.length && commit < MOST; commit++) {
          const victim = servers[commit % NAMES.length]!;
          // To and fro: a refresh by the account alone is possible once a day.
          const needed = epoch % 2 === 0 ? 3 : 2;
          const wish = { kind: 'requorum', quorum: { needed, of: 3 }, servers: NAMES } as const;
          const { died, value } = await survive(
            victim,
            { when, commit },
            () => owner.client.changeKey({ name, wish }),
            {
              isThrough: ({ forgetting }) => forgetting.every(({ outcome }) => outcome === 'forgot'),
              // Whatever the death has left, the key signs: in the old epoch or in the new one.
              beforeAgain: async () => {
                expect((await owner.sign(name)).signers.length).toBeGreaterThan(1);
              },
            },
          );
          expect(value).toMatchObject({ epoch: ++epoch, isAsOrdered: true, behind: [] });
          deaths += Number(died);
          alive = died ? 0 : alive + 1;
          await expectWhole(name, born.groupKey, epoch);
        }
        expect(deaths).toBeGreaterThan(9);
      }, 400_000);
    }

    test('kill -9 around every commit of a repair, of the server that lost its share and of one that helps: the same command gives the share back', async () => {
      await make('notes');
      const { public: born } = await owner.client.showKey('notes');
      const [alpha, bravo] = servers as [ServerProcess, ServerProcess, ServerProcess];
      let deaths = 0;
      for (const victim of [alpha, bravo]) {
        for (let commit = 1, died = true; died && commit < MOST; commit++) {
          const lose = () => loseShares(bravo);
          if (victim === alpha) await restartAfter(bravo, lose);
          ({ died } = await survive(
            victim,
            { when: commit % 2 === 1 ? 'before' : 'after', commit },
            () => owner.client.repairKey({ name: 'notes', server: 'bravo' }),
            {
              beforeAgain: () => owner.approveAll(),
              ...(victim === bravo ? { whileDown: lose } : {}),
            },
          ));
          deaths += Number(died);
          await expectWhole('notes', born.groupKey, 0);
        }
      }
      expect(deaths).toBeGreaterThan(9);
    }, 400_000);
  },
);

/** What seals its shares is gone, as when a disk dies and the database lies elsewhere. @param server that does not run */
function loseShares({ dataDir }: ServerProcess): void {
  const folder = join(dataDir, 'epoch-keys');
  for (const file of readdirSync(folder).filter((one) => /^[0-9a-f]{64}$/.test(one)))
    rmSync(join(folder, file));
}

async function restartAfter(server: ServerProcess, change: () => void): Promise<void> {
  await server.kill();
  change();
  await server.start();
}
