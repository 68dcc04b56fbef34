// @module-tag long
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ChangedKey } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Deadly, dieAt, type Kill, killsAt, survive, type Survived } from './deaths.js';
import type { MortalOwner } from './mortal-owners.js';
import { ENGINES, hasPostgres, type MortalServers, startMortalServers } from './mortal-servers.js';
import { canSpawnServers } from './server-process.js';

/** Of which the last two take turns in one place of a key. Every other one is on PostgreSQL. */
const NAMES = ['alpha', 'bravo', 'charlie', 'delta'] as const;
const ON_POSTGRES: readonly string[] = ['bravo', 'delta'];

/** A part in a change that puts one server in the place of another. */
type Part = 'stays' | 'joins' | 'leaves';

/**
 * The steps of each part in a change where nobody dies, in order: commits by the tables that they write, and removals of key files. They
 * are killed at each of them, before and behind it. A commit that only notes that a message was seen is no step: nothing depends of it.
 */
const STEPS: Readonly<Record<Part | 'leaves and deals', readonly string[]>> = {
  stays: [
    'changes keys', // the order
    'changes keys', // a promise
    'sessions', // the session that moves the shares is opened,
    'session_packets sessions', // and joined: it deals,
    'session_packets sessions', // hears what others deal and signs
    'changes keys sessions', // a lock, with which it hears that all have signed
    'the key of a session goes',
    'changes keys', // a yield
    'changes keys', // the certificate is kept,
    'changes key_epochs keys shares', // and the epoch entered
    'keys shares', // the share of the epoch before is destroyed,
    'the key of a share goes', // with what sealed it
    'the key of a share goes', // and what it came from
  ],
  joins: [
    'changes', // the order
    'changes sessions', // the session that moves the shares is opened
    'sessions', // and joined
    'session_packets sessions', // it hears what is dealt and signs,
    'session_packets sessions', // and hears that all have
    'the key of a session goes',
    'changes', // the certificate is kept
    'changes key_epochs keys shares', // and the epoch entered
  ],
  leaves: [
    'changes keys', // the order
    'changes keys', // a promise
    'changes keys', // a lock
    'changes keys', // a yield
    'changes key_epochs keys', // it leaves
    'keys shares', // its share is destroyed,
    'the key of a share goes', // with what sealed it,
    'the key of a share goes', // what it came from when this one joined,
    'the key of a share goes', // and what would have come next
  ],
  'leaves and deals': [
    'changes keys', // the order
    'changes keys', // a promise
    'sessions', // the session that moves the shares is opened,
    'session_packets sessions', // and joined: it deals
    'changes keys sessions', // a lock, with which it hears what the others say
    'the key of a session goes',
    'changes keys', // a yield
    'changes key_epochs keys', // it leaves
    'keys shares', // its share is destroyed
    'the key of a share goes',
    'the key of a share goes',
    'the key of a share goes',
  ],
};

/** A key of which one place goes to and fro between two servers. */
interface Held {
  readonly name: string;
  readonly groupKey: string;
  readonly staying: readonly string[];
  epoch: number;
  /** Who has that place, and who is next. */
  turn: readonly [string, string];
}

/** More changes of one key than these make its chain long, and whoever joins checks all of it. */
const MOST_CHANGES = 16;

describe.skipIf(!canSpawnServers)(
  `servers on ${ENGINES}, killed at a step of a change of who holds a key (skipped when not compiled: npm run build)`,
  () => {
    let servers: MortalServers['servers'];
    let owner: MortalOwner;
    let close: () => Promise<void>;
    const keys: Held[] = [];
    const reached: Kill[] = [];
    beforeAll(async () => {
      ({ servers, owner, close } = await startMortalServers(NAMES, ON_POSTGRES));
    }, 120_000);
    afterAll(() => close());

    /** @param staying who else holds it, beside charlie and delta by turns; two servers have to sign */
    async function make(staying: readonly string[]): Promise<Held> {
      const name = `letters-${keys.length + 1}`;
      await owner.client.createKey({
        name,
        purpose: 'message',
        quorum: { needed: 2, of: staying.length + 1 },
        servers: [...staying, 'charlie'],
        policy: { changes: 'automatic', changeDelay: 0 },
      });
      const groupKey = encodeHex((await owner.client.showKey(name)).public.groupKey);
      const held: Held = { name, groupKey, staying, epoch: 0, turn: ['charlie', 'delta'] };
      keys.push(held);
      // From now on whoever leaves has joined.
      await change(held);
      return held;
    }

    /** Puts the next one in its place: whatever dies on the way, the same command given again brings that about. */
    async function change(key: Held, deadly?: Deadly): Promise<Survived<ChangedKey>> {
      const [server, by] = key.turn;
      const wish = { kind: 'replace-server', server, by } as const;
      const command = () => owner.client.changeKey({ name: key.name, wish });
      // Whatever a death has left, the key signs: in the old epoch or in the new one.
      const meanwhile = async () => {
        expect((await owner.sign(key.name)).signers).toHaveLength(2);
      };
      const survived = await survive(deadly, command, { isThrough, meanwhile });
      key.epoch++;
      key.turn = [by, server];
      expect(survived.value).toMatchObject({ epoch: key.epoch, isAsOrdered: true, behind: [] });
      expect(await owner.look(key.name)).toEqual({
        epoch: key.epoch,
        groupKey: key.groupKey,
        verdicts: [...key.staying, by].map(() => 'holds'),
        signers: 2,
      });
      return survived;
    }

    function isThrough({ behind, forgetting }: ChangedKey): boolean {
      return behind.length === 0 && forgetting.every(({ outcome }) => outcome === 'forgot');
    }

    const at = (name: string) => servers.find((server) => server.name === name)!;

    function partOf({ staying, turn: [leaves, joins] }: Held, part: Part): readonly string[] {
      return { stays: staying, joins: [joins], leaves: [leaves] }[part];
    }

    test('take these steps, and no others, whichever engine they are on', async () => {
      const key = await make(['alpha', 'bravo']);
      for (let turn = 0; turn < 2; turn++) {
        const [leaves, joins] = key.turn;
        for (const server of servers) await server.plan(null);
        expect((await change(key)).tries).toBe(1);
        const taken = await Promise.all(
          servers.map(async (one) => [one.name, await one.plan(null)] as const),
        );
        expect(Object.fromEntries(taken)).toEqual({
          alpha: STEPS.stays,
          bravo: STEPS.stays,
          [joins]: STEPS.joins,
          [leaves]: STEPS.leaves,
        });
      }
      const small = await make(['alpha']);
      await at('delta').plan(null);
      await change(small);
      expect(await at('delta').plan(null)).toEqual(STEPS['leaves and deals']);
    }, 60_000);

    test.each([
      ['stays', ['alpha', 'bravo'], STEPS.stays],
      ['joins', ['alpha', 'bravo'], STEPS.joins],
      ['leaves', ['alpha', 'bravo'], STEPS.leaves],
      // The rest is as where it does not deal.
      ['leaves', ['alpha'], STEPS['leaves and deals'].filter((step) => step.includes('session'))],
    ] as const)(
      'one that %s, beside %j: the key signs, and the command given again finishes it',
      async (part, staying, steps) => {
        let key = await make(staying);
        for (const kill of killsAt(steps)) {
          const isRight = (name: string) => !hasPostgres || ON_POSTGRES.includes(name) === kill.isOnPostgres;
          await dieAt(kill, async () => {
            if (key.epoch >= MOST_CHANGES) key = await make(staying);
            // One that is on the other engine takes its place first.
            if (!partOf(key, part).some(isRight)) await change(key);
            const victim = at(partOf(key, part).find(isRight)!);
            return change(key, { victim, kill });
          });
          reached.push(kill);
        }
      },
      400_000,
    );

    test('what seals the share of the newest epoch of each key is at each of its servers, and of no other epoch, and nowhere else', () => {
      for (const { name, dataDir } of servers) {
        const files = readdirSync(join(dataDir, 'epoch-keys')).filter((file) => /^[0-9a-f]{64}$/.test(file));
        const stays = keys.filter(({ staying }) => staying.includes(name));
        // One that joined keeps what its share came from as long as the share.
        const joined = keys.filter(({ turn }) => turn[0] === name);
        expect([name, files.length]).toEqual([name, stays.length + 2 * joined.length]);
      }
    });

    test.skipIf(!hasPostgres)(
      'one half of these deaths was on either engine (skipped: PostgreSQL is not installed here)',
      () => {
        expect(reached.length).toBeGreaterThan(0);
        expect(reached.filter((kill) => kill.isOnPostgres)).toHaveLength(reached.length / 2);
      },
    );
  },
);
