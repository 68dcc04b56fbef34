// @module-tag long
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Deadly, dieAt, type Kill, killsAt, survive, type Survived } from './deaths.js';
import type { MortalOwner } from './mortal-owners.js';
import { ENGINES, hasPostgres, type MortalServers, startMortalServers } from './mortal-servers.js';
import { canSpawnServers } from './server-process.js';

const NAMES = ['alpha', 'bravo', 'charlie'] as const;
type Name = (typeof NAMES)[number];

/** Who has lost its share; the two others help, the first of them in the first seat. Only bravo is on PostgreSQL. */
const PARTS = {
  'the one that lost its share': { onPostgres: ['bravo', 'bravo'], onSqlite: ['charlie', 'charlie'] },
  'the first that helps': { onPostgres: ['bravo', 'alpha'], onSqlite: ['alpha', 'charlie'] },
  'the second that helps': { onPostgres: ['bravo', 'charlie'], onSqlite: ['charlie', 'bravo'] },
} as const satisfies Readonly<
  Record<string, Readonly<Record<'onPostgres' | 'onSqlite', readonly [victim: Name, lost: Name]>>>
>;

/** Whoever answers for the first time in an epoch notes that in the head of the key. */
const HELPS_FIRST = 'keys session_packets sessions';
const HELPS: readonly string[] = [
  'sessions', // it is asked to help,
  'sessions', // its operator says yes,
  'session_packets sessions', // it joins: it shows a key for this run,
  'session_packets sessions', // splits its part,
  HELPS_FIRST, // and answers
  'the key of a session goes',
];
/**
 * The steps of each part in a repair where nobody dies, in order, as in the test of changes. They are killed at each of them, before and
 * behind it.
 */
const STEPS: Readonly<Record<keyof typeof PARTS, readonly string[]>> = {
  'the one that lost its share': [
    'sessions', // it is asked to say so,
    'sessions', // its operator does,
    'sessions', // it joins,
    'key_epochs keys session_packets sessions shares', // and takes its share out of the answers
    'the key of a session goes',
  ],
  'the first that helps': HELPS,
  'the second that helps': HELPS,
};

describe.skipIf(!canSpawnServers)(
  `servers on ${ENGINES}, killed at a step of a repair (skipped when not compiled: npm run build)`,
  () => {
    let servers: MortalServers['servers'];
    let owner: MortalOwner;
    let close: () => Promise<void>;
    let made = 0;
    const reached: Kill[] = [];
    /** For each server one of which it alone loses its share. Of whoever had a share given back nobody takes a vote before the next epoch. */
    const keys = new Map<Name, Held>();
    beforeAll(async () => {
      ({ servers, owner, close } = await startMortalServers(NAMES, ['bravo']));
    }, 120_000);
    afterAll(() => close());

    const at = (name: Name) => servers.find((server) => server.name === name)!;

    /** Of which nothing was given back yet: whoever helps remembers it when it does so for the first time. */
    async function make(lost: Name): Promise<void> {
      const name = `notes-${++made}`;
      const { dataDir } = at(lost);
      const before = shareKeysIn(dataDir);
      const policy = { changes: 'automatic', changeDelay: 0 } as const;
      const quorum = { needed: 2, of: 3 } as const;
      await owner.client.createKey({ name, purpose: 'message', quorum, servers: [...NAMES], policy });
      // An epoch that a change has led to: whoever lost its share has forgotten what it voted.
      await owner.client.changeKey({ name, wish: { kind: 'refresh' } });
      const groupKey = encodeHex((await owner.client.showKey(name)).public.groupKey);
      const files = shareKeysIn(dataDir).filter((file) => !before.includes(file));
      keys.set(lost, { name, groupKey, files });
    }

    /** Loses the share of a server and has it given back: whatever dies on the way, the same command given again does that. */
    async function repair(lost: Name, deadly?: Deadly): Promise<Survived<unknown>> {
      const { name, groupKey, files } = keys.get(lost)!;
      // What seals it is gone, as when a disk dies and the database lies elsewhere.
      for (const file of files) rmSync(file);
      const command = () => owner.client.repairKey({ name, server: lost });
      // Whatever a death has left, the others sign.
      const meanwhile = async () => {
        expect((await owner.sign(name, [lost])).signers).toHaveLength(2);
      };
      const beforeAgain = () => owner.approveAll();
      const survived = await survive(deadly, command, { meanwhile, beforeAgain });
      // Where its answer died with it, it has its share when it is asked again.
      expect(['repaired', 'held']).toContain(survived.value.outcome);
      const verdicts = NAMES.map(() => 'holds');
      expect(await owner.look(name)).toEqual({ epoch: 1, groupKey, verdicts, signers: 2 });
      return survived;
    }

    test('take these steps, and no others, whichever engine they are on', async () => {
      for (const lost of NAMES) {
        await make(lost);
        for (const server of servers) await server.plan(null);
        await repair(lost);
        const [first, second] = NAMES.filter((name) => name !== lost);
        const taken = await Promise.all(
          servers.map(async (one) => [one.name, await one.plan(null)] as const),
        );
        expect(Object.fromEntries(taken)).toEqual({
          [lost]: STEPS['the one that lost its share'],
          [first!]: STEPS['the first that helps'],
          [second!]: STEPS['the second that helps'],
        });
      }
    }, 60_000);

    test.each(Object.keys(PARTS) as (keyof typeof PARTS)[])(
      '%s: the same command gives the share back, and the key signs in one epoch everywhere',
      async (part) => {
        for (const kill of killsAt(STEPS[part])) {
          const [victim, lost] = PARTS[part][kill.isOnPostgres ? 'onPostgres' : 'onSqlite'];
          await dieAt(kill, async () => {
            if (!keys.has(lost) || kill.step === HELPS_FIRST) await make(lost);
            return repair(lost, { victim: at(victim), kill });
          });
          reached.push(kill);
        }
      },
      400_000,
    );

    test('after all that each key goes on to another epoch, in which all of them sign', async () => {
      const wish = { kind: 'requorum', quorum: { needed: 3, of: 3 }, servers: [...NAMES] } as const;
      const verdicts = NAMES.map(() => 'holds');
      for (const { name, groupKey } of keys.values()) {
        const changed = await owner.client.changeKey({ name, wish });
        expect(changed).toMatchObject({ epoch: 2, isAsOrdered: true, behind: [] });
        expect(await owner.look(name)).toEqual({ epoch: 2, groupKey, verdicts, signers: 3 });
      }
    }, 60_000);

    test.skipIf(!hasPostgres)(
      'one half of these deaths was on either engine (skipped: PostgreSQL is not installed here)',
      () => {
        expect(reached.length).toBeGreaterThan(0);
        expect(reached.filter((kill) => kill.isOnPostgres)).toHaveLength(reached.length / 2);
      },
    );
  },
);

/** A key, and what seals the share that one server has of it. */
interface Held {
  readonly name: string;
  readonly groupKey: string;
  readonly files: readonly string[];
}

function shareKeysIn(dataDir: string): string[] {
  const folder = join(dataDir, 'epoch-keys');
  return readdirSync(folder)
    .filter((file) => /^[0-9a-f]{64}$/.test(file))
    .map((file) => join(folder, file));
}
