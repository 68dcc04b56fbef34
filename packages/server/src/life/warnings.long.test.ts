// @module-tag long
import { signAlive } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { afterEach, expect, test } from 'vitest';
import { TEST_TIME } from '../sessions/test/bare-server.js';
import { alice, createBareServers, makeKey, mallory } from '../sessions/test/bare-servers.js';
import { giveTerms } from '../sessions/test/given-terms.js';

const DAY = 86_400;
const STEP = 1_200;
const network = createBareServers();
let now = TEST_TIME;
afterEach(async () => {
  now = TEST_TIME;
  await network.close();
});

test('S5: at half and at nine tenths of the time its operator is warned, once each; a sign of life takes that back, and then it is warned anew', async () => {
  const { servers, callers } = await network.openMany(2, { now: () => now });
  const { keyId } = await makeKey(callers);
  const [alpha] = servers;
  const { context, sessions } = alpha!;
  const owner = createIdentity(secret(new Uint8Array(32).fill(1)));
  const eve = createIdentity(secret(new Uint8Array(32).fill(3)));
  await giveTerms(context, alice.xid, keyId, {
    ownerKey: owner.publicKeys.signing.bytes,
    approvers: [
      { name: 'eve', xid: eve.xid, keys: [{ kind: 'ed25519', key: eve.publicKeys.signing.bytes }] },
    ],
    silence: { afterSeconds: 30 * DAY, grants: [{ who: 'eve', may: ['use'] }] },
  });
  const carrier = await alpha!.as(mallory);
  const her = await alpha!.as(alice);
  const hear = (number: number) =>
    carrier.call('alive.carry', { alive: signAlive(owner, { keyId, number }) });
  const pass = async (days: number) => {
    for (let left = days * DAY; left > 0; left -= STEP) {
      now += STEP;
      await sessions.sweep();
    }
  };
  const warnings = async () => {
    const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 500));
    return lines.filter(({ deed }) => deed === 'silence.warn').map(({ sentence }) => sentence);
  };
  const shown = async () => (await her.call('key.life', { keyId })).silence;
  await hear(1);
  await pass(14);
  expect(await warnings()).toEqual([]);
  await pass(2);
  expect(await warnings()).toEqual([
    'The owner of a key has given no sign of life for half of the 30 d after which eve may ask for it.',
  ]);
  await hear(2);
  expect(await shown()).toMatchObject({ silentSeconds: 0, warned: 'nothing' });
  await pass(28);
  const all = await warnings();
  expect(all).toHaveLength(3);
  expect(all[2]).toContain('nine tenths');
  expect(await shown()).toMatchObject({ afterSeconds: 30 * DAY, warned: 'nearly' });
}, 300_000);
