// @module-tag long
import { encodeHex } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMortalOwner, type MortalOwner, survive } from './mortal-owners.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

/** Of which the last two take turns in one place of a key. */
const NAMES = ['alpha', 'bravo', 'charlie', 'delta'];
/** More commits than any server has in one change. */
const MOST = 40;

describe.skipIf(!canSpawnServers)(
  'another server in the place of one (skipped when not compiled: npm run build)',
  () => {
    const servers: ServerProcess[] = [];
    let owner: MortalOwner;
    beforeAll(async () => {
      for (const name of NAMES) servers.push(await spawnServer({ name }));
      owner = await createMortalOwner(servers);
    }, 120_000);
    afterAll(async () => {
      await owner.close();
      for (const server of servers) await server.remove();
    });

    describe.each(['before', 'after'] as const)('kill -9 %s every commit', (when) => {
      test.each(['joins', 'leaves'])(
        'of the one that %s: the key signs, and the command given again finishes it',
        async (part) => {
          const name = `letters-${when}-${part}`;
          const quorum = { needed: 2, of: 3 } as const;
          await owner.client.createKey({
            name,
            purpose: 'message',
            quorum,
            servers: NAMES.slice(0, 3),
            policy: { changes: 'automatic', changeDelay: 0 },
          });
          const { public: born } = await owner.client.showKey(name);
          let turn = ['charlie', 'delta'] as [string, string];
          let epoch = 0;
          let deaths = 0;
          for (let commit = 1, died = true; died && commit < MOST; commit++) {
            const [server, by] = turn;
            const victim = servers.find((one) => one.name === (part === 'joins' ? by : server))!;
            const wish = { kind: 'replace-server', server, by } as const;
            const survived = await survive(
              victim,
              { when, commit },
              () => owner.client.changeKey({ name, wish }),
              {
                isThrough: ({ behind, forgetting }) =>
                  behind.length === 0 && forgetting.every(({ outcome }) => outcome === 'forgot'),
                // Whatever the death has left, the key signs: in the old epoch or in the new one.
                beforeAgain: async () => {
                  expect((await owner.sign(name)).signers).toHaveLength(2);
                },
              },
            );
            ({ died } = survived);
            expect(survived.value).toMatchObject({ epoch: ++epoch, isAsOrdered: true, behind: [] });
            deaths += Number(died);
            expect(await owner.look(name)).toEqual({
              epoch,
              groupKey: encodeHex(born.groupKey),
              verdicts: ['holds', 'holds', 'holds'],
              signers: 2,
            });
            turn = [by, server];
          }
          expect(deaths).toBeGreaterThan(4);
        },
        400_000,
      );
    });
  },
);
