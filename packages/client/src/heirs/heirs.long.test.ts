// @module-tag long
import {
  encodeReply,
  type HeirMay,
  parseCall,
  parseInvitation,
  type Parameters as CallParameters,
  writeInvitation,
} from '@ckm/api';
import { encodeHex, reveal, secret } from '@ckm/foundation';
import { ed25519 } from '@noble/curves/ed25519.js';
import { passSilently } from '@ckm/server/test';
import { createCeremony } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { approverIdentity } from '../approver/approver-identity.js';
import { type ApproverOptions, createApprover } from '../approver/approver.js';
import { httpCarrier } from '../carrier/http-carrier.js';
import type { Client } from '../client.js';
import { createHeir, type Heir } from '../heir.js';
import { keyOfOwner } from '../life/test/key-of-owner.js';
import { identityForServer } from '../seed/identity.js';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';

const DAY = 86_400;
const secretOf = (byte: number) => secret(new Uint8Array(32).fill(byte));
const SECRET = secretOf(7);
/** Of an approver whom the terms let do nothing when the owner is silent. */
const BOBS = secretOf(8);
let network: TestNetwork;
afterEach(() => network.close());

/** What somebody works with who was invited before the key was made, and has seen no certificate of it. */
async function invitedEarly(client: Client, name: string, its: typeof SECRET): Promise<ApproverOptions> {
  const options: ApproverOptions = {
    secret: () => Promise.resolve(secretOf(its === SECRET ? 7 : 8)),
    store: memoryStore(),
    carrier: httpCarrier(network.send),
    clock: () => network.now,
    timeoutMs: 30_000,
  };
  const { text } = await client.planInvitation({ key: 'savings', name });
  await createApprover(options).join(writeInvitation({ ...parseInvitation(text), certificate: null }).text);
  return options;
}

/** Alpha shows the certificate of another key of the same id, which a stranger made at some of the servers. */
async function showAnother(keyId: Uint8Array, at: readonly string[]): Promise<void> {
  const strangers = await Promise.all(
    at.map((name) => {
      const { bare, identity } = network.server(name);
      return bare.as(identityForServer(secretOf(9), identity.xid));
    }),
  );
  await createCeremony({
    servers: strangers,
    keyId,
    purpose: 'message',
    needed: 2,
    expiresAt: network.now + 600,
  }).finish();
  const shown = await strangers[0]!.call('key.chain', { keyId, after: null });
  network.server('alpha').tamper = ({ name, parameters }, honest) => {
    const { called, body } = parameters as CallParameters<'heir.use'>;
    if (name !== 'heir.use' || called !== 'key.chain') return honest();
    const { after } = parseCall('key.chain', body, 1_000_000);
    const result = after === null ? shown : { certificates: [], next: null };
    return Promise.resolve({ body: encodeReply<'key.chain'>({ ok: true, result }) });
  };
}

/** A key of two of three servers, which may leave; eve may use it, or that, after a hundred days of silence. */
async function open(may: readonly HeirMay[] = ['use'], making: Parameters<typeof keyOfOwner>[3] = {}) {
  const url = (name: string) => ({ settings: { publicUrl: `http://${name}.test` } });
  network = await createTestNetwork(making.count === undefined ? 3 : making.count + 1, url);
  const { client, callers, keyId } = await keyOfOwner(
    network,
    (id) => {
      const approver = (name: string, its: typeof SECRET) => {
        const { xid, publicKeys } = approverIdentity(its, id);
        return { name, xid, keys: [{ kind: 'ed25519' as const, key: publicKeys.signing.bytes }] };
      };
      return {
        approvers: [approver('bob', BOBS), approver('eve', SECRET)],
        silence: { afterSeconds: 100 * DAY, grants: [{ who: 'eve', may: [...may] }] },
      };
    },
    memoryStore(),
    making,
  );
  const options: ApproverOptions = {
    secret: () => Promise.resolve(secret(new Uint8Array(32).fill(7))),
    store: memoryStore(),
    carrier: httpCarrier(network.send),
    clock: () => network.now,
    timeoutMs: 30_000,
  };
  const eve = createHeir(options);
  await createApprover(options).join((await client.inviteApprover({ key: 'savings', name: 'eve' })).text);
  const pass = async (days: number, names = ['alpha', 'bravo', 'charlie']) => {
    for (const { bare } of names.map((name) => network.server(name)))
      await passSilently(bare, keyId, days * DAY);
    for (let i = 0; i < 2; i++) {
      network.now += 1_200;
      for (const name of names) await network.server(name).bare.sessions.sweep();
    }
  };
  await pass(0);
  return { client, callers, keyId, eve, pass, approver: createApprover(options) };
}

const sign = async (eve: Heir, text: string) => {
  const { client, name } = await eve.open('savings');
  try {
    return await client.sign({ key: name, ...messageOf(text) });
  } finally {
    await client.close();
  }
};

describe('an heir', () => {
  test('asks, waits, and signs with his own device when the servers grant it; what he says is no sign of life', async () => {
    const { eve, pass } = await open();
    expect(await eve.list()).toMatchObject([{ keyName: 'savings', name: 'eve', granted: [] }]);
    expect((await eve.ask('savings')).servers.map((one) => one.case)).toEqual([null, null, null]);
    await pass(101);
    await eve.ask('savings');
    await pass(0);
    const asked = await eve.ask('savings');
    expect(asked.servers.map((one) => [one.server, one.case?.heir, one.missing])).toEqual([
      ['alpha', 'eve', ['bravo', 'charlie']],
      ['bravo', 'eve', ['alpha', 'charlie']],
      ['charlie', 'eve', ['alpha', 'bravo']],
    ]);
    await expect(sign(eve, 'too early')).rejects.toMatchObject({ code: 'HEIR_KEY_NOT_SHOWN' });
    await pass(15);
    expect((await eve.ask('savings')).granted).toEqual(['use']);
    expect((await sign(eve, 'to the notary')).signers).toHaveLength(2);
    expect((await sign(eve, 'and once more')).signers).toHaveLength(2);
    await pass(1);
    expect((await eve.list())[0]!.servers.every(({ silentSeconds }) => silentSeconds > 110 * DAY)).toBe(true);
  }, 60_000);

  test('the owner who comes back is told of it by whatever he looks at, and ends it everywhere; the heir’s client tells who has not heard', async () => {
    const { eve, client, pass } = await open();
    await client.alive();
    // What else he has said to them on that way is behind him.
    await pass(0);
    await pass(101);
    await eve.ask('savings');
    await pass(0);
    const lines = async () =>
      (await client.diagnose())
        .filter(({ text }) => text.includes('asked for'))
        .map(({ level, text }) => [level, text]);
    network.cut('charlie');
    // Before any server has counted him as heard: they do so behind their answers.
    expect(await lines()).toEqual([
      ['fail', 'is asked for by eve, as if its owner were dead, at alpha and bravo'],
    ]);
    const [told] = await client.alive();
    expect(told!.servers.map(({ text }) => text)).toEqual([
      expect.stringContaining('eve had asked for the key, and that is over'),
      expect.stringContaining('eve had asked for the key, and that is over'),
      expect.any(String),
    ]);
    network.makeHonest();
    const life = async (name: string) =>
      (await eve.list())[0]!.servers.find(({ server }) => server === name)!;
    expect((await life('charlie')).case).toMatchObject({ heir: 'eve' });
    await eve.ask('savings');
    expect(await life('charlie')).toMatchObject({ case: null, silentSeconds: 0 });
    expect((await lines())[0]![1]).toContain('was asked for while its owner was silent, by eve at alpha on');
  }, 60_000);

  test('to whom the terms give more than its use takes the key itself out, once that is granted; nobody signs by that at servers', async () => {
    const change = { needed: 1, of: ['eve'], delaySeconds: 0, words: 30 * DAY };
    const policy = { changes: 'automatic', changeDelay: 0, change } as const;
    const { eve, client, pass, approver } = await open(['recover'], { exportable: true, policy });
    await eve.ask('savings');
    await pass(101);
    await eve.ask('savings');
    await pass(0);
    await eve.ask('savings');
    await expect(eve.open('savings')).rejects.toMatchObject({ code: 'HEIR_KEY_NOT_SHOWN' });
    await pass(15);
    expect((await eve.ask('savings')).granted).toEqual(['recover']);
    await expect(sign(eve, 'by servers')).rejects.toMatchObject({ code: 'HEIR_NOT_GRANTED' });
    const inherited = await eve.open('savings');
    // The people of the terms are asked as for the owner, and read who asks: here that is she alone.
    expect((await inherited.client.exportKey(inherited.name)).exported).toBeNull();
    const { matters } = await approver.waiting();
    const looked = await approver.look(encodeHex(matters[0]!.matterId));
    expect(looked.view.description!.sentence).toContain('eve, who asks because its owner is silent');
    await approver.say(looked, 'yes');
    const { exported, servers } = await inherited.client.exportKey(inherited.name);
    const { groupKey } = (await inherited.client.showKey(inherited.name)).public;
    await inherited.client.closeExport(inherited.name);
    await inherited.client.close();
    expect(servers.map(({ state }) => state)).toEqual(['given', 'given', 'agreed']);
    const scalar = reveal(exported!.scalar, 'compare a key of a test');
    const integer = BigInt(`0x${Buffer.from(scalar.toReversed()).toString('hex')}`);
    expect(ed25519.Point.BASE.multiply(integer).toBytes()).toEqual(groupKey);
    expect((await client.status()).keys[0]!.exports.given).toEqual(['alpha', 'bravo']);
  }, 60_000);

  test('an export that she began and that waits is over with the owner’s word, and whoever comes back sees who asked', async () => {
    const { eve, client, pass } = await open(['recover'], {
      exportable: true,
      policy: { changes: 'operator', changeDelay: 0 },
    });
    await eve.ask('savings');
    await pass(101);
    await eve.ask('savings');
    await pass(0);
    await pass(15);
    await eve.ask('savings');
    const inherited = await eve.open('savings');
    const { exported, servers } = await inherited.client.exportKey(inherited.name);
    expect([exported, ...servers.map(({ state }) => state)]).toEqual([null, 'waits', 'waits', 'waits']);
    await client.alive();
    const after = await inherited.client.exportKey(inherited.name).catch((error: unknown) => error);
    expect(JSON.stringify(after)).toMatch(/HEIR_NOT_GRANTED|HEIR_KEY/);
    await inherited.client.close();
    expect((await client.status()).keys[0]!.exports).toEqual({ goesOn: [], given: [] });
  }, 60_000);

  test('where one server was replaced she finds the new one by the certificates that any of the others shows, and its word counts', async () => {
    const change = { needed: 1, of: ['eve'], delaySeconds: 0, words: 30 * DAY };
    const policy = { changes: 'automatic', changeDelay: 0, change } as const;
    const { eve, client, pass, approver } = await open(['use'], { count: 3, policy });
    const servers = ['alpha', 'bravo', 'delta'];
    const wish = { kind: 'requorum', quorum: { needed: 2, of: 3 }, servers } as const;
    await expect(client.changeKey({ name: 'savings', wish })).rejects.toMatchObject({
      code: 'CHANGE_WAITING',
    });
    const { matters } = await approver.waiting();
    await approver.say(await approver.look(encodeHex(matters[0]!.matterId)), 'yes');
    expect(await client.changeKey({ name: 'savings', wish })).toMatchObject({ epoch: 1 });
    await client.alive();
    await pass(0, servers);
    network.cut('charlie');
    await eve.ask('savings');
    await pass(101, servers);
    await eve.ask('savings');
    await pass(0, servers);
    await pass(15, servers);
    const asked = await eve.ask('savings');
    expect(asked.servers).toHaveLength(3);
    expect(asked.servers.flatMap(({ missing }) => missing)).toEqual([]);
    expect(asked.granted).toEqual(['use']);
    network.cut('alpha');
    expect((await sign(eve, 'by bravo and the new one')).signers).toHaveLength(2);
  }, 60_000);

  test.each([[['alpha', 'bravo']], [['alpha', 'bravo', 'charlie']]])(
    'whom one sold server shows another key of the same id, of %j, takes the certificate that the others show, for good',
    async (at) => {
      const { client, callers, keyId } = await open();
      const options = await invitedEarly(client, 'eve', SECRET);
      const early = createHeir(options);
      await showAnother(keyId, at);
      const { certificates } = await callers[1]!.call('key.chain', { keyId, after: null });
      await early.list();
      const [kept] = await createApprover(options).keys();
      expect(kept!.servers.map(({ name }) => name)).toEqual(['alpha', 'bravo', 'charlie']);
      expect(encodeHex(kept!.certificate!)).toBe(encodeHex(certificates[0]!));
      expect((await early.ask('savings')).servers).toHaveLength(3);
    },
    60_000,
  );

  test('whom too few servers show a certificate goes by the servers that she was invited to, and by no certificate', async () => {
    const { client, keyId } = await open();
    const options = await invitedEarly(client, 'eve', SECRET);
    await showAnother(keyId, ['alpha', 'bravo', 'charlie']);
    network.cut('charlie');
    const early = createHeir(options);
    await early.list();
    const [kept] = await createApprover(options).keys();
    expect(kept!.servers.map(({ name }) => name)).toEqual(['alpha', 'bravo', 'charlie']);
    expect(kept!.certificate).toBeNull();
  }, 60_000);

  test('and an approver whom the terms let do nothing learns the certificate by the word of the servers, too', async () => {
    const { client, callers, keyId } = await open();
    const options = await invitedEarly(client, 'bob', BOBS);
    await showAnother(keyId, ['alpha', 'bravo']);
    const { certificates } = await callers[1]!.call('key.chain', { keyId, after: null });
    await createHeir(options).list();
    const [kept] = await createApprover(options).keys();
    expect(encodeHex(kept!.certificate!)).toBe(encodeHex(certificates[0]!));
  }, 60_000);

  test('to whom servers alone have shown a certificate takes that of an invitation instead, and that one stays', async () => {
    const { client } = await open();
    const options = await invitedEarly(client, 'eve', SECRET);
    await createHeir(options).list();
    const approver = createApprover(options);
    const { text } = await client.planInvitation({ key: 'savings', name: 'eve' });
    const join = (certificate: Uint8Array) =>
      approver.join(writeInvitation({ ...parseInvitation(text), certificate }).text);
    for (const byte of [1, 2]) await join(new Uint8Array(8).fill(byte));
    expect(encodeHex((await approver.keys())[0]!.certificate!)).toBe('01'.repeat(8));
  }, 60_000);
});
