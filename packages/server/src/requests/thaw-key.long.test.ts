// @module-tag long
import { ballotOfThaw, readThawAsked } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { afterEach, describe, expect, test } from 'vitest';
import { createKeyDesk } from '../control/desks/key-desk.js';
import { TEST_TIME } from '../sessions/test/bare-server.js';
import { createBareServers, makeKey, messageOf } from '../sessions/test/bare-servers.js';
import { BY_DOMAIN } from '../sessions/test/terms.js';
import { ann, askingTerms, bob, cy, voteOn } from '../votes/test/asked-people.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;
const DAY = 86_400;
const CHANGE = { needed: 2, of: ['ann', 'bob', 'cy'], delaySeconds: DAY, words: null };
const WAITS = 'by the terms of the key 2 more of ann, bob, cy have to say yes';
const freezeId = new Uint8Array(32).fill(1);

/** Two servers with a key that its owner has frozen, by whose terms two of three people say yes to a change. */
async function frozen(rest = {}) {
  const clock = { now: TEST_TIME };
  const { servers, callers } = await network.openMany(2, { now: () => clock.now });
  const { keyId, signer } = await makeKey(callers, {
    policy: askingTerms(BY_DOMAIN, { change: CHANGE, ...rest }),
  });
  const freeze = { keyId, id: freezeId, from: clock.now, until: clock.now + 2 * DAY };
  const [alpha] = callers as [(typeof callers)[0]];
  await alpha.call('key.freeze', freeze);
  const [server] = servers as [(typeof servers)[0]];
  const named = { matter: 'thaw', keyId, known: null } as const;
  const { matterId } = ballotOfThaw({ keyId, freezeId }, { termsHash: keyId, expiresAt: 0 });
  const showTo = (who: Identity) => server.asAnybody(who).call('approval.show', { ...named, matterId });
  const say = async (who: Identity, more: Parameters<typeof voteOn>[3] = {}) => {
    const votes = [voteOn(who, await showTo(ann), servers, more)];
    return (await server.asAnybody(who).call('approval.give', { votes })).refused;
  };
  return {
    clock,
    servers,
    server,
    alpha,
    keyId,
    freeze,
    showTo,
    say,
    desk: createKeyDesk(server),
    id: encodeHex(keyId),
    thaw: () => alpha.call('key.thaw', { keyId }),
    signs: () =>
      signer.request(1, messageOf('after'), {}).then(
        ({ state }) => state,
        (error: { code: string }) => error.code,
      ),
  };
}

describe('the end of a freeze of a key whose terms name people for a change', () => {
  test('waits for them and for the operator, whoever says it last; that freeze never comes back', async () => {
    const world = await frozen();
    expect((await world.thaw()).waits).toBe(WAITS);
    const shown = await world.showTo(ann);
    expect(readThawAsked(shown.payload, shown)).toEqual({ keyId: world.keyId, freezeId });
    expect(shown.expiresAt).toBe(world.freeze.until);
    expect(await world.say(ann)).toEqual([]);
    const agreed = await world.desk.thaw(world.id, null);
    expect(agreed.frozen).not.toBeNull();
    expect(agreed.thawWaits).toBe('by the terms of the key 1 more of bob, cy have to say yes');
    expect(await world.signs()).toBe('POLICY_KEY_FROZEN');
    expect(await world.say(bob)).toEqual([]);
    expect((await world.desk.keyPolicy(world.id, null)).frozen).toBeNull();
    expect(await world.signs()).toBe('ready');
    await expect(world.showTo(ann)).rejects.toThrow(code('MATTER_UNKNOWN'));
    await expect(world.alpha.call('key.freeze', world.freeze)).rejects.toThrow(code('FREEZE_OVER'));
    const { context } = world.server;
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 200));
    const said = lines.filter(({ deed }) => /thaw|approval/.test(deed));
    expect(said.map(({ deed, verdict }) => [deed, verdict])).toEqual([
      ['key.thaw', 'asked'],
      ['approval.yes', 'approved'],
      ['operator.thaw', 'done'],
      ['approval.yes', 'approved'],
      ['key.thaw', 'done'],
    ]);
  });

  test('is not ended by the operator alone, nor by people where he is asked, nor by words that were taken back', async () => {
    const world = await frozen();
    expect((await world.desk.thaw(world.id, null)).thawWaits).toBe(WAITS);
    // Nobody has asked but the operator: people find it all the same.
    for (const who of [ann, bob]) await world.say(who);
    expect(await world.signs()).toBe('ready');

    const other = await frozen();
    await other.thaw();
    for (const who of [ann, bob]) await other.say(who);
    expect(await other.signs()).toBe('POLICY_KEY_FROZEN');
    expect((await other.thaw()).waits).toBe('its operator has to agree');
    await other.say(bob, { serial: 2, verdict: 'no' });
    expect((await other.desk.thaw(other.id, null)).frozen).not.toBeNull();
    await other.say(cy);
    expect(await other.signs()).toBe('ready');
  });

  test('needs no operator where he is asked about nothing that changes the key', async () => {
    const world = await frozen({ changes: 'automatic' });
    await world.thaw();
    await world.say(ann);
    expect(await world.signs()).toBe('POLICY_KEY_FROZEN');
    await world.say(bob);
    expect(await world.signs()).toBe('ready');
  });

  test('is one to that freeze alone: a yes to it ends no later one', async () => {
    const world = await frozen({ changes: 'automatic' });
    await world.thaw();
    for (const who of [ann, bob]) await world.say(who);
    const later = { ...world.freeze, id: new Uint8Array(32).fill(2) };
    await world.alpha.call('key.freeze', later);
    expect((await world.thaw()).waits).toBe(WAITS);
    expect(await world.signs()).toBe('POLICY_KEY_FROZEN');
  });

  test('a freeze ends by itself whatever anybody says', async () => {
    const world = await frozen();
    await world.thaw();
    world.clock.now += 2 * DAY;
    await expect(world.showTo(ann)).rejects.toThrow(code('MATTER_UNKNOWN'));
    const { frozen: stands, waits } = await world.thaw();
    expect([stands, waits]).toEqual([null, undefined]);
  });
});
