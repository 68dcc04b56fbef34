// @module-tag long
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers, messageOf } from '../sessions/test/bare-servers.js';
import { adam, DAY, eve, keyWithHeir, laptop } from './test/heirs.js';

const network = createBareServers();
afterEach(() => network.close());
const code = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const ask = messageOf('let it be');

describe('an heir of a key of two of three servers', () => {
  test('asks after thirty days, is granted its use two weeks later by the word of all three, and signs', async () => {
    const world = await keyWithHeir(network);
    await world.alive(1, 2, 3);
    await world.pass(29 * DAY);
    expect((await world.round()).map((view) => view.case)).toEqual([null, null, null]);
    await world.pass(2 * DAY);
    await world.round();
    await world.pass(0);
    const asked = await world.round();
    expect(asked.map((view) => view.case?.heir)).toEqual(['eve', 'eve', 'eve']);
    expect(asked.every(({ granted, missing }) => granted.length === 0 && missing.length === 2)).toBe(true);
    expect(await code(world.signerOf(eve).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    await world.pass(13 * DAY);
    expect((await world.round()).every(({ granted }) => granted.length === 0)).toBe(true);
    await world.pass(2 * DAY);
    expect((await world.round()).map(({ granted }) => granted)).toEqual([['use'], ['use'], ['use']]);
    expect(await world.signerOf(eve).sign(ask, [1, 2])).toHaveLength(64);
    expect(await world.signerOf(eve).sign(ask, [2, 3])).toHaveLength(64);
    // Who is named and no heir, and who is named nowhere.
    expect(await code(world.signerOf(adam).sign(ask, [1, 2]))).toBe('HEIR_NOT_GRANTED');
    expect(await code(world.ask(1, {}, adam))).toBe('HEIR_UNKNOWN');
    expect(await code(world.signerOf(laptop).sign(ask, [1, 2]))).toBe('HEIR_UNKNOWN');
    expect(await world.deeds(1)).toEqual(['silence.warn', 'silence.case', 'silence.grant']);
  }, 120_000);
});
