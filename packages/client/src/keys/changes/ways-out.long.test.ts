// @module-tag long
import { CkmError, encodeHex } from '@ckm/foundation';
import { createKeyDesk, removeBareServer } from '@ckm/server/test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../../client.js';
import { createKeyLife, DAY, type KeyLife, NAMES } from '../../test/key-life.js';
import { approveSessions } from '../../test/operators.js';
import { NAME } from '../../test/owned-key.js';
import { messageOf, type NetworkServer } from '../../test/test-network.js';
import type { ChangeWish } from './plan-change.js';

/**
 * L14 of the design, over servers with their storage: an honest owner with an honest majority gets on, whatever of this happens, alone and in
 * pairs. The model of the votes alone: packages/threshold/src/protocols/change/ways-out.prop.test.ts.
 */
type Trouble = 'dead' | 'restored' | 'restored from before' | 'laptop';

/** What is done about it, in order. */
type Step = 'fetch' | 'repair' | 'release' | 'replace' | 'leave out';

const WORDS: Readonly<Record<Trouble | Step, string>> = {
  dead: 'alpha is dead',
  restored: 'bravo is restored from a backup of this epoch',
  'restored from before': 'bravo is restored from a backup of the epoch before',
  laptop: 'the laptop is lost',
  fetch: 'fetches the key with the seed alone',
  repair: 'has the others give bravo its share back',
  release: 'has the operator of bravo release the key',
  replace: 'lets delta take the place of alpha',
  'leave out': 'leaves alpha out',
};

interface Way {
  readonly quorum: readonly [needed: number, of: number];
  readonly troubles: readonly Trouble[];
  readonly does: readonly Step[];
  /** Where L14 itself says that it takes the words, which are not built, or where no share is left: what the owner is told then. */
  readonly but?: { readonly why: string; readonly told: Readonly<Partial<Record<Ask, string | null>>> };
}

/** What an owner tries where he does not get on, in this order; null: it is done. */
const ASKS = ['fetch', 'repair', 'sign', 'change'] as const;
type Ask = (typeof ASKS)[number];

/** With fewer shares than the quorum there is no key any more; only what the operator has kept brings one back. */
const GONE = 'a share is gone, and too few others are left to make it again';
const NEEDS_WORDS = 'one vote is left, and two are needed: the words (not built)';

const WAYS: readonly Way[] = [
  { quorum: [2, 2], troubles: ['restored'], does: [] },
  { quorum: [2, 2], troubles: ['laptop'], does: ['fetch'] },
  { quorum: [2, 2], troubles: ['restored', 'laptop'], does: ['fetch'] },
  {
    quorum: [2, 2],
    troubles: ['restored from before', 'laptop'],
    does: [],
    but: {
      why: GONE,
      told: { fetch: null, repair: 'SERVERS_MISSING', sign: 'CHANGE_SHARE_LOST', change: 'SERVERS_MISSING' },
    },
  },
  {
    quorum: [2, 2],
    troubles: ['dead'],
    does: [],
    but: { why: GONE, told: { sign: 'TOO_FEW_SERVERS', change: 'SERVERS_MISSING' } },
  },
  {
    quorum: [2, 2],
    troubles: ['restored from before'],
    does: [],
    but: {
      why: GONE,
      told: { repair: 'SERVERS_MISSING', sign: 'CHANGE_SHARE_LOST', change: 'SERVERS_MISSING' },
    },
  },
  {
    quorum: [2, 2],
    troubles: ['dead', 'restored'],
    does: [],
    but: { why: GONE, told: { sign: 'HEADS_TOO_FEW', change: 'SERVERS_MISSING' } },
  },
  {
    quorum: [2, 2],
    troubles: ['dead', 'laptop'],
    does: [],
    but: { why: GONE, told: { fetch: 'KEY_NOT_VOUCHED' } },
  },

  { quorum: [2, 3], troubles: ['dead'], does: ['replace'] },
  { quorum: [2, 3], troubles: ['restored'], does: [] },
  { quorum: [2, 3], troubles: ['restored from before'], does: ['repair'] },
  { quorum: [2, 3], troubles: ['laptop'], does: ['fetch'] },
  { quorum: [2, 3], troubles: ['dead', 'laptop'], does: ['fetch', 'replace'] },
  { quorum: [2, 3], troubles: ['restored', 'laptop'], does: ['fetch'] },
  { quorum: [2, 3], troubles: ['restored from before', 'laptop'], does: ['fetch', 'repair'] },
  {
    quorum: [2, 3],
    troubles: ['dead', 'restored'],
    does: ['release'],
    but: { why: NEEDS_WORDS, told: { sign: null, change: 'CHANGE_VOTES_TOO_FEW' } },
  },
  {
    quorum: [2, 3],
    troubles: ['dead', 'restored from before'],
    does: [],
    but: {
      why: GONE,
      told: { repair: 'SERVERS_MISSING', sign: 'TOO_FEW_SERVERS', change: 'SERVERS_MISSING' },
    },
  },

  { quorum: [3, 5], troubles: ['dead'], does: ['leave out'] },
  { quorum: [3, 5], troubles: ['restored'], does: [] },
  { quorum: [3, 5], troubles: ['restored from before'], does: ['repair'] },
  { quorum: [3, 5], troubles: ['laptop'], does: ['fetch'] },
  { quorum: [3, 5], troubles: ['dead', 'restored'], does: ['leave out'] },
  { quorum: [3, 5], troubles: ['dead', 'restored from before'], does: ['repair', 'leave out'] },
  { quorum: [3, 5], troubles: ['dead', 'laptop'], does: ['fetch', 'leave out'] },
  { quorum: [3, 5], troubles: ['restored', 'laptop'], does: ['fetch'] },
  { quorum: [3, 5], troubles: ['restored from before', 'laptop'], does: ['fetch', 'repair'] },
];

let life: KeyLife;
const graves: NetworkServer[] = [];
afterEach(async () => {
  for (const { bare } of graves.splice(0)) {
    await bare.stop();
    removeBareServer(bare);
  }
  await life.close();
});

/** For good: nobody finds it at its address any more. */
function bury(name: string): void {
  const servers = life.network.servers as NetworkServer[];
  graves.push(...servers.splice(servers.indexOf(life.network.server(name)), 1));
}

const sayOf = (list: readonly (Trouble | Step)[]) => list.map((one) => WORDS[one]).join(', ');

/** A key in its second epoch, which has signed; then what happens to its owner. @returns the client that is left to him */
async function afterTrouble({ quorum: [needed, of], troubles }: Way): Promise<Client> {
  life = await createKeyLife(NAMES.slice(0, of), needed, 0);
  if (troubles.includes('restored from before')) await life.backUp('bravo');
  await life.change({ kind: 'refresh' });
  await life.pass(DAY);
  if (troubles.includes('restored')) await life.backUp('bravo');
  await life.client.sign({ key: NAME, ...messageOf('before') });
  if (troubles.some((one) => one.startsWith('restored'))) await life.restore('bravo');
  if (troubles.includes('dead')) bury('alpha');
  return troubles.includes('laptop') ? life.network.owner() : life.client;
}

const STEPS: Readonly<Record<Step, (client: Client) => Promise<void>>> = {
  fetch: async (client) => {
    const { keys } = await client.fetchKeys();
    await client.keepKey(keys[0]!, { name: NAME });
  },
  repair: async (client) => {
    await untilThrough(
      () => client.repairKey({ name: NAME, server: 'bravo' }),
      () => approveSessions(life.network),
    );
  },
  release: async (client) => {
    const { keyId } = await client.showKey(NAME);
    await createKeyDesk(life.network.server('bravo').bare).release(encodeHex(keyId), null);
  },
  replace: (client) =>
    change(client, {
      kind: 'requorum',
      quorum: { needed: 2, of: 3 },
      servers: ['bravo', 'charlie', 'delta'],
    }),
  'leave out': (client) =>
    change(client, { kind: 'requorum', quorum: { needed: 3, of: 4 }, servers: NAMES.slice(1) }),
};

/** As an owner does who reads what he is told: the same again later. */
async function change(client: Client, wish: ChangeWish): Promise<void> {
  const done = await untilThrough(
    () => client.changeKey({ name: NAME, wish }),
    () => life.pass(600),
  );
  expect(done).toMatchObject({ isAsOrdered: true, behind: [] });
}

/** @param meanwhile what time, or others, do before it is tried again */
async function untilThrough<T>(once: () => Promise<T>, meanwhile: () => Promise<void>): Promise<T> {
  for (let tries = 6; ; tries--) {
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof CkmError) || error.errorClass === 'BugError' || tries === 0) throw error;
      await meanwhile();
    }
  }
}

const sign = (client: Client, text: string) => client.sign({ key: NAME, ...messageOf(text) });
const codeOf = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof CkmError ? error.code : String(error)),
  );

describe('an honest owner gets on:', () => {
  test.each(
    WAYS.filter(({ but }) => but === undefined).map(
      (way) => [way.quorum.join(' of '), sayOf(way.troubles), sayOf(way.does) || 'goes on', way] as const,
    ),
  )(
    '%s, %s: the owner %s; the key signs, changes, and signs again',
    async (_quorum, _troubles, _does, way) => {
      const client = await afterTrouble(way);
      for (const step of way.does) await STEPS[step](client);
      const [needed] = way.quorum;
      expect((await sign(client, 'after')).signers).toHaveLength(needed);
      await life.pass(DAY);
      const { epoch } = (await client.showKey(NAME)).newest.params;
      await change(client, { kind: 'refresh' });
      const { newest, public: half } = await client.showKey(NAME);
      expect([newest.params.epoch, half.groupKey]).toEqual([epoch + 1, life.groupKey]);
      expect((await sign(client, 'changed')).signers).toHaveLength(needed);
    },
    60_000,
  );
});

describe('an honest owner is told in words where nothing that is built helps:', () => {
  test.each(
    WAYS.flatMap((way) => {
      const { quorum, troubles, does, but } = way;
      if (but === undefined) return [];
      return [
        [quorum.join(' of '), sayOf(troubles), but.why, sayOf(does) || 'waits', but.told, way] as const,
      ];
    }),
  )(
    '%s, %s: %s; meanwhile the owner %s',
    async (_quorum, _troubles, _why, _does, told, way) => {
      const client = await afterTrouble(way);
      for (const step of way.does) await STEPS[step](client);
      const [needed, of] = way.quorum;
      const others = {
        kind: 'requorum',
        quorum: { needed, of },
        servers: NAMES.slice(1, of + 1),
      } as const;
      const wish: ChangeWish = way.troubles.includes('dead') ? others : { kind: 'refresh' };
      const tried: Record<Ask, () => Promise<unknown>> = {
        fetch: () => STEPS.fetch(client),
        repair: () => client.repairKey({ name: NAME, server: 'bravo' }),
        sign: () => sign(client, 'after'),
        change: () => change(client, wish),
      };
      const codes: Partial<Record<Ask, string | null>> = {};
      for (const ask of ASKS) if (told[ask] !== undefined) codes[ask] = await codeOf(tried[ask]());
      expect(codes).toEqual(told);
    },
    60_000,
  );
});
