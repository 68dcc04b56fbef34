// @module-tag long
import { COMMON_TOTP, totpOf } from '@ckm/api';
import { reveal, secret, type Secret } from '@ckm/foundation';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { readVoucher } from '../contacts/papers.js';
import { draftDevice } from '../owner/device-secrets.js';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork } from '../test/test-network.js';

const DAY = 86_400;
const STEP = 1_200;
const SERVERS = ['alpha', 'bravo', 'charlie'];
let network: TestNetwork;
let words: Client;
let friend: Client;
let drawn = 100;

beforeAll(async () => {
  network = await createTestNetwork(3);
  words = await network.owner();
  friend = await network.owner({ seed: secret(new Uint8Array(32).fill(9)) });
  await words.createKey({
    name: 'notes',
    purpose: 'message',
    quorum: { needed: 2, of: 3 },
    servers: SERVERS,
  });
}, 120_000);
afterAll(() => network.close());

async function pass(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= STEP) {
    network.now += Math.min(STEP, left);
    for (const { bare } of network.servers) await bare.sessions.sweep();
  }
}

/** A new folder of somebody who has lost everything, whose process may end at any time. */
function newFolder() {
  const store = memoryStore();
  let kept = reveal(
    draftDevice((length) => new Uint8Array(length).map((_, i) => (i * 7 + ++drawn) % 256)),
    'test',
  ).slice();
  return {
    open: () =>
      ownerClient(network.send, () => network.now, {
        seed: { device: secret(kept.slice()) },
        store,
        keepDevice: (device: Secret<Uint8Array>) => {
          kept = reveal(device, 'test').slice();
          return Promise.resolve();
        },
      }),
  };
}

/** An app at one server, set by the words. */
async function app(server: string) {
  const { contact, secret: shared } = await words.setContact({
    server,
    contact: { kind: 'totp' },
    delaySeconds: DAY,
  });
  const code = () =>
    totpOf(secret(shared!.slice()), Math.floor(network.now / COMMON_TOTP.period), COMMON_TOTP);
  await words.verifyContact({ server, contact: 'totp', proof: { code: code() } });
  network.now += 60;
  return { name: contact.name, code };
}

describe('whoever has lost everything', () => {
  test('comes back at two of three servers by an app and by a friend, killed between every two steps, and signs', async () => {
    const ofAlpha = await app('alpha');
    const asked = await words.setContact({ server: 'bravo', contact: { kind: 'xid' }, delaySeconds: DAY });
    const voucher = await friend.vouch(asked.request!, 'alice');
    await words.verifyContact({ server: 'bravo', contact: 'xid', proof: { voucher: readVoucher(voucher) } });
    const { contacts, alone } = await words.listContacts();
    expect(contacts.map(({ server, kind, state }) => [server, kind, state])).toEqual([
      ['alpha', 'totp', 'inForce'],
      ['bravo', 'xid', 'inForce'],
    ]);
    expect(alone).toEqual([]);

    const folder = newFolder();
    const again = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
      const client = folder.open();
      try {
        return await work(client);
      } finally {
        await client.close();
      }
    };
    for (const name of ['alpha', 'bravo']) {
      const url = network.server(name).url;
      const { key } = await again((client) => client.beginRecovery({ name, url }));
      // Begun again it is the same key.
      expect((await again((client) => client.beginRecovery({ name, url }))).key).toEqual(key);
      expect(await again((client) => client.showRecovery(name))).toBeNull();
    }
    const byApp = await again((client) =>
      client.proveContact({
        server: 'alpha',
        contact: { kind: 'totp', name: ofAlpha.name },
        proof: { code: ofAlpha.code() },
        deed: 'recover',
      }),
    );
    expect(byApp).toMatchObject({ state: 'waiting', proofs: ['totp'] });
    // Whoever looks at anything sees it.
    expect((await words.status()).recoveries).toMatchObject([{ server: 'alpha', state: 'waiting' }]);
    const request = await again((client) => client.requestVoucher('bravo', 'recovery'));
    // No voucher is taken that is not newer than the last one.
    network.now += 1;
    const vouched = await friend.vouch(request, 'alice');
    // Whom the friend calls otherwise he is no contact of.
    const ofAnother = await friend.vouch(request, 'bob');
    const prove = (text: string) =>
      again((client) =>
        client.proveContact({
          server: 'bravo',
          contact: { kind: 'xid', name: '' },
          proof: { voucher: readVoucher(text) },
          deed: 'recover',
        }),
      );
    await expect(prove(ofAnother)).rejects.toMatchObject({ code: 'RECOVERY_NOT_PROVEN' });
    expect(await prove(vouched)).toMatchObject({ state: 'waiting' });
    expect((await words.listCases()).cases).toMatchObject([
      { server: 'alpha', state: 'waiting' },
      { server: 'bravo', state: 'waiting' },
    ]);
    const wanted = (await words.diagnose()).filter(({ text }) => text.includes('wants your account'));
    expect(wanted).toMatchObject([
      { level: 'fail', subject: 'alpha' },
      { level: 'fail', subject: 'bravo' },
    ]);
    await expect(again((client) => client.finishRecovery('alpha', 'second'))).rejects.toMatchObject({
      code: 'RECOVERY_EARLY',
    });
    // More than the delay: of a look that came late nothing is counted.
    await pass(DAY + 2 * STEP);
    // The answer is lost once: the server has let it in, and it does not know.
    network.server('alpha').tamper = async ({ name }, honest) => {
      const said = await honest();
      if (name === 'recovery.finish') throw new Error('the process died');
      return said;
    };
    await expect(again((client) => client.finishRecovery('alpha', 'second'))).rejects.toThrow();
    network.makeHonest();
    for (const name of ['alpha', 'bravo']) await again((client) => client.finishRecovery(name, 'second'));

    await again(async (client) => {
      await client.rememberDevices();
      const { devices } = await client.listDevices();
      expect(devices.map(({ name, isThis }) => [name, isThis])).toContainEqual(['second', true]);
      const { keys } = await client.fetchKeys();
      expect(keys).toHaveLength(1);
      await client.keepKey({ ...keys[0]!, suggestedName: 'notes' });
      const { signers } = await client.sign({ key: 'notes', ...messageOf('back again') });
      expect(signers).toEqual(['alpha', 'bravo']);
    });
  }, 120_000);

  test('is told at once where one address would be enough for a key', async () => {
    await app('bravo');
    const { alone } = await words.listContacts();
    expect(alone).toEqual([{ who: 'app', key: 'notes', servers: ['alpha', 'bravo'], needed: 2 }]);
    expect(await words.diagnose()).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        subject: 'notes',
        text: expect.stringMatching(/^NOT a way back/),
      }),
    );
  });
});

test('L9: whoever got in by an app is put out by the words, which name him by the digits of his key', async () => {
  const ofCharlie = await app('charlie');
  const folder = newFolder();
  const his = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = folder.open();
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };
  await his((client) => client.beginRecovery({ name: 'charlie', url: network.server('charlie').url }));
  await his((client) =>
    client.proveContact({
      server: 'charlie',
      contact: { kind: 'totp', name: ofCharlie.name },
      proof: { code: ofCharlie.code() },
      deed: 'recover',
    }),
  );
  await pass(DAY + 2 * STEP);
  await his((client) => client.finishRecovery('charlie', 'mine'));
  expect((await his((client) => client.listDevices())).devices).toMatchObject([{ isThis: true }]);
  const isAtCharlie = ({ at }: { at: readonly { server: string }[] }) =>
    at.some(({ server }) => server === 'charlie');
  const thief = (await words.listDevices()).devices.find(isAtCharlie)!;
  expect(thief.name).toBeNull();
  await expect(words.removeDevice({ name: thief.id.slice(0, 7) })).rejects.toMatchObject({
    code: 'DEVICE_UNKNOWN',
  });
  const plan = await words.planDeviceRemoval({ name: thief.id });
  expect(plan).toMatchObject({ servers: ['charlie'], silent: [] });
  expect(plan.unknown).not.toContain(thief.id);
  const { servers } = await words.removeDevice({ name: thief.id });
  expect(servers).toMatchObject([{ server: 'charlie', outcome: 'done' }]);
  expect((await words.listDevices()).devices.filter(isAtCharlie)).toEqual([]);
  expect((await his((client) => client.listDevices())).silent).toMatchObject([
    { server: 'charlie', code: 'MESSAGE_NOT_AUTHENTICATED' },
  ]);
}, 60_000);
