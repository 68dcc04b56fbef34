// @module-tag long
import { afterEach, describe, expect, test } from 'vitest';
import { createKeyLife, type KeyLife } from '../../test/key-life.js';
import { NAME, REFRESH, requorum, SERVERS } from '../../test/owned-key.js';
import { messageOf } from '../../test/test-network.js';

let life: KeyLife;
afterEach(() => life.close());

const strictOf = async () => (await life.newest()).params.flags.strict;
const sign = async () => (await life.client.sign({ key: NAME, ...messageOf('hello') })).signers;
const BY_DELTA = { kind: 'replace-server', server: 'bravo', by: 'delta' } as const;

describe('L1: a strict key of 2 of 3', () => {
  test('is changed by all three, and stays strict with other servers and another quorum', async () => {
    life = await createKeyLife(SERVERS, 2, 0, true);
    const { client, network } = life;
    const add = { name: NAME, wish: { kind: 'add-server', server: 'delta' } } as const;
    expect(await client.planChange(add)).toMatchObject({ deciding: 3, strict: true });
    await life.change(add.wish);
    const wider = requorum(3, [...SERVERS, 'delta', 'echo']);
    // 2 of 4 are decided on by three of them, strict or not.
    expect(await client.planChange({ name: NAME, wish: wider })).toMatchObject({ deciding: 3 });
    await life.change(wider);
    network.now += 86_400;
    expect(await client.planChange(REFRESH)).toMatchObject({ deciding: 4, strict: true });
    await life.change(REFRESH.wish);
    expect(await strictOf()).toBe(true);
    expect((await client.status()).keys).toMatchObject([{ epoch: 3, changes: { needed: 4, margin: 1 } }]);
    expect(await client.checkKey(NAME)).toMatchObject({ isSound: true, deciding: 4 });
    expect(await sign()).toHaveLength(3);
  });

  test('signs on with one of them gone, and is changed by nobody until it is back, which is said', async () => {
    life = await createKeyLife(SERVERS, 2, 0, true);
    const { client, network } = life;
    const hint = expect.stringMatching(
      /made strict, so that 3 of its 3 servers have to decide: with fewer left for good, have fewer decide by the words, or make a new key$/,
    ) as string;
    network.cut('bravo');
    await expect(client.changeKey({ name: NAME, wish: BY_DELTA })).rejects.toMatchObject({
      code: 'SERVERS_MISSING',
      message: expect.stringContaining('the decision waits for bravo') as string,
      hint,
    });
    expect(await sign()).toEqual(['alpha', 'charlie']);
    expect((await client.status()).keys).toMatchObject([{ margin: 0, changes: { needed: 3, margin: -1 } }]);
    network.makeHonest();
    network.cut('bravo', 'change.lock');
    await expect(client.changeKey({ name: NAME, wish: BY_DELTA })).rejects.toMatchObject({
      code: 'CHANGE_VOTES_TOO_FEW',
      hint,
    });
    network.makeHonest();
    await life.change(BY_DELTA);
    expect((await life.newest()).params).toMatchObject({ epoch: 1, quorum: { needed: 2, of: 3 } });
    expect(await strictOf()).toBe(true);
  });

  test('is changed by all three again when one of them was restored: the two others remind it', async () => {
    life = await createKeyLife(SERVERS, 2, 0, true);
    await life.network.server('bravo').bare.sessions.voidOpen('the database is an older one');
    await life.change({ kind: 'add-server', server: 'delta' });
    expect((await life.newest()).params).toMatchObject({ epoch: 1, quorum: { needed: 2, of: 4 } });
    expect(await strictOf()).toBe(true);
  });
});
