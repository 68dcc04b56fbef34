import { type DevicesDocument, devicesBehind, drillKeyId, hashDevices, signDevices } from '@ckm/api';
import { primitives } from '@ckm/gordian';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { deviceOf, entryOf, firstListAt, nextList, type SignedList } from '../test/account-devices.js';
import { person, random } from '../test/rooms.js';
import {
  type Answer,
  problemIn,
  startTestServer,
  type TestClient,
  type TestServer,
} from '../test/test-server.js';

const mallory = person(66);
/** A server that all of them share; each test has an owner of its own. */
let shared: TestServer;
let owners = 1;
let alice = person(owners);
let [laptop, phone, tablet] = devicesOf();

function devicesOf() {
  return [deviceOf(alice, 101), deviceOf(alice, 102), deviceOf(alice, 103)] as const;
}

beforeAll(async () => {
  shared = await startTestServer();
});
afterAll(() => shared.remove());
beforeEach(() => {
  alice = person(++owners);
  [laptop, phone, tablet] = devicesOf();
});

const more: TestServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of more.splice(0)) await server.remove();
});

async function start(): Promise<TestServer> {
  const server = await startTestServer();
  more.push(server);
  return server;
}

interface World {
  readonly alpha: TestServer;
  readonly words: TestClient;
  readonly laptop: TestClient;
  readonly phone: TestClient;
  /** The list in force: a laptop that may do everything, a phone that uses keys. */
  readonly list: DevicesDocument;
}

/** Alice’s account at one server, with a laptop and a phone. */
async function withDevices(alpha = shared): Promise<World> {
  const words = await alpha.as(alice).join();
  const keys = [entryOf(laptop, 'use', 'make', 'manage'), entryOf(phone, 'use')];
  const { list, signed } = nextList(alice, firstListAt(alpha, alice), keys);
  await words.ask('device.update', { documents: [signed] });
  return { alpha, words, laptop: alpha.asDevice(laptop), phone: alpha.asDevice(phone), list };
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const update = (client: TestClient, ...lists: readonly SignedList[]) =>
  client.ask('device.update', { documents: lists.map(({ signed }) => signed) });
const describeAt = (client: TestClient) => client.ask('server.describe', {});
/** What a server says to whoever is not let in. */
const turnedAway = async (client: TestClient): Promise<Answer> =>
  client.post(client.seal('server.describe', {}));

describe('a device', () => {
  test('is answered under its own key, and the words as before', async () => {
    const { alpha, words, laptop: ofLaptop, phone: ofPhone, list } = await withDevices();
    for (const client of [words, ofLaptop, ofPhone]) expect((await describeAt(client)).name).toBe('alpha');
    const sealed = await ofLaptop.post(ofLaptop.seal('server.describe', {}));
    // The answer is for whoever asked: neither the words nor another device opens it.
    for (const other of [words, ofPhone]) expect(() => other.read('server.describe', sealed)).toThrow();
    const shown = await ofPhone.ask('device.show', { after: null });
    expect(devicesBehind(firstListAt(alpha, alice), shown.links)).toEqual(list);
    expect(shown).toMatchObject({ generation: 0, number: 1, hash: hashDevices(list), next: null, twice: [] });
    const youngUntil = alpha.now + 259_200;
    expect(shown.since).toEqual(
      list.keys.map(({ id }) => ({ id: new Uint8Array(id), at: alpha.now, youngUntil })),
    );
  });

  test('is on no list of an account that never had one: number 0 of generation 0', async () => {
    const words = await shared.as(alice).join();
    const shown = await words.ask('device.show', { after: null });
    expect(shown).toMatchObject({ generation: 0, number: 0, links: [], since: [], twice: [] });
    expect(shown.hash).toEqual(hashDevices(firstListAt(shared, alice)));
  });

  test('signs lists itself if it may manage, and brings those that others have signed if it may not', async () => {
    const { laptop: ofLaptop, phone: ofPhone, list } = await withDevices();
    const next = nextList(laptop, list, [...list.keys, entryOf(tablet, 'use')]);
    expect(await update(ofPhone, next)).toMatchObject({ generation: 0, number: 2 });
    const own = nextList(phone, next.list, [entryOf(phone, 'use')]);
    expect(await code(update(ofPhone, own))).toBe('DEVICES_NOT_ALLOWED');
    expect(await code(update(ofLaptop, own))).toBe('DEVICES_NOT_ALLOWED');
  });

  test('is known again after a restart, and so is whatever was on the list before', async () => {
    const { alpha, words, list } = await withDevices();
    const second = nextList(laptop, list, [entryOf(laptop, 'use', 'make', 'manage')]);
    await update(words, second);
    await alpha.restart();
    expect((await describeAt(alpha.asDevice(laptop))).name).toBe('alpha');
    expect(problemIn(await turnedAway(alpha.asDevice(phone))).code).toBe('MESSAGE_NOT_AUTHENTICATED');
    const shown = await alpha.as(alice).ask('device.show', { after: null });
    expect(devicesBehind(firstListAt(alpha, alice), shown.links)).toEqual(second.list);
  });

  test('may do what its line says: a phone that uses keys makes none, and changes nobody’s devices', async () => {
    const { phone: ofPhone, laptop: ofLaptop } = await withDevices();
    const keyId = drillKeyId(random(16));
    const refused = ofPhone.ask('drill.forget', { keyId });
    await expect(refused).rejects.toMatchObject({ code: 'DEVICE_MAY_NOT', facts: { needs: 'make' } });
    expect(await code(ofLaptop.ask('drill.forget', { keyId }))).toBe('KEY_UNKNOWN');
    const frozen = ofPhone.ask('key.freeze', { keyId: random(32), id: random(32), from: 0, until: 1 });
    expect(await code(frozen)).toBe('KEY_UNKNOWN');
    // Every key stops what goes on; what lets it go on takes more, or whoever was frozen out asks for the end of it.
    const thawed = ofPhone.ask('key.thaw', { keyId: random(32) });
    await expect(thawed).rejects.toMatchObject({ code: 'DEVICE_MAY_NOT', facts: { needs: 'manage' } });
    expect(await code(ofLaptop.ask('key.thaw', { keyId: random(32) }))).toBe('KEY_UNKNOWN');
  });
});

describe('P1: a device that was removed', () => {
  test('is refused like a stranger by each server that heard of it, and by those alone', async () => {
    const worlds = [await withDevices(), await withDevices(await start()), await withDevices(await start())];
    for (const { phone: ofPhone, list } of worlds.slice(0, 2)) {
      await update(ofPhone, nextList(alice, list, [entryOf(phone, 'use')], true));
    }
    const [alpha, bravo, charlie] = worlds;
    const stranger = await turnedAway(alpha!.alpha.as(mallory));
    for (const { laptop: ofLaptop } of [alpha!, bravo!]) {
      const answer = await turnedAway(ofLaptop);
      expect([answer.status, problemIn(answer)]).toEqual([401, problemIn(stranger)]);
      expect(answer.bytes).toHaveLength(stranger.bytes.length);
    }
    expect((await describeAt(charlie!.laptop)).name).toBe('alpha');
    expect((await charlie!.phone.ask('device.show', { after: null })).generation).toBe(0);
    expect((await alpha!.phone.ask('device.show', { after: null })).generation).toBe(1);
  });

  test('is refused with a message that it had sealed before', async () => {
    const { words, laptop: ofLaptop, list } = await withDevices();
    const sealed = ofLaptop.seal('server.describe', {});
    await update(words, nextList(alice, list, [entryOf(phone, 'use')], true));
    expect((await ofLaptop.post(sealed)).status).toBe(401);
  });

  test('is let in again by the words alone, and is young then', async () => {
    const { alpha, words, laptop: ofLaptop, list } = await withDevices();
    const without = nextList(alice, list, [entryOf(phone, 'use')], true);
    await update(words, without);
    alpha.now += 50;
    const back = nextList(alice, without.list, [entryOf(laptop, 'use'), entryOf(phone, 'use')]);
    await update(words, back);
    expect((await describeAt(ofLaptop)).name).toBe('alpha');
    const { since } = await words.ask('device.show', { after: null });
    expect(since.map(({ at }) => at).toSorted((a, b) => a - b)).toEqual([alpha.now - 50, alpha.now]);
  });
});

describe('P9: whoever is not let in', () => {
  test('unknown account, unknown key, removed key: one answer, one size, one signature check', async () => {
    const { alpha, words, list } = await withDevices();
    await update(words, nextList(alice, list, [entryOf(phone, 'use')], true));
    const bob = await alpha.as(person(99)).join();
    const attempts = {
      'a stranger': alpha.as(mallory),
      'a device of nobody here': alpha.asDevice(deviceOf(mallory, 101)),
      'a key that the account never had': alpha.asDevice(tablet),
      'a key that was removed': alpha.asDevice(laptop),
      'a key of somebody else': alpha.asDevice({ ...bob.identity, xid: alice.xid }),
      'a device under another account': alpha.asDevice({ ...phone, xid: bob.identity.xid }),
      'half of a device': alpha.asDevice({
        ...phone,
        publicKeys: { ...phone.publicKeys, agreement: tablet.publicKeys.agreement },
      }),
      'a wrong signature under a device’s name': alpha.asDevice({ ...phone, signingKey: tablet.signingKey }),
    };
    const seen = new Set<string>();
    for (const [who, client] of Object.entries(attempts)) {
      const sealed = client.seal('server.describe', {});
      const checks = vi.spyOn(primitives, 'ed25519Verify');
      const answer = await client.post(sealed);
      expect([who, checks.mock.calls.length]).toEqual([who, 1]);
      checks.mockRestore();
      seen.add(`${answer.status} ${answer.type} ${new TextDecoder().decode(answer.bytes)}`);
    }
    expect([...seen]).toHaveLength(1);
    expect([...seen][0]).toContain('MESSAGE_NOT_AUTHENTICATED');
  });
});

describe('devices at war', () => {
  test('L9: a thief’s device with the highest number loses to the words', async () => {
    const { alpha, words, laptop: thief, list } = await withDevices();
    let before = list;
    for (let i = 0; i < 40; i++) {
      const next = nextList(laptop, before, [entryOf(laptop, 'use', 'make', 'manage')]);
      await update(thief, next);
      before = next.list;
    }
    expect(problemIn(await turnedAway(alpha.asDevice(phone))).code).toBe('MESSAGE_NOT_AUTHENTICATED');
    // Made from the list that the owner knows, forty before the one in force.
    const back = nextList(alice, list, [entryOf(phone, 'use', 'manage')], true);
    expect(await update(words, back)).toMatchObject({ generation: 1, number: 0 });
    expect(problemIn(await turnedAway(thief)).code).toBe('MESSAGE_NOT_AUTHENTICATED');
    expect((await describeAt(alpha.asDevice(phone))).name).toBe('alpha');
    // Whatever it signed before, whoever brings it.
    const late = nextList(laptop, before, [entryOf(laptop, 'use', 'make', 'manage')]);
    expect(await code(update(alpha.asDevice(phone), late))).toBe('DEVICES_OLD');
    const shown = await words.ask('device.show', { after: null });
    expect(shown.links).toHaveLength(1);
    expect(devicesBehind(firstListAt(alpha, alice), shown.links)).toEqual(back.list);
  });

  test('no device takes the words out, begins a generation or gives more than it has', async () => {
    const { laptop: ofLaptop, list, alpha, words } = await withDevices();
    const taken = { ...nextList(laptop, list, list.keys).list, words: mallory.publicKeys };
    expect(await code(update(ofLaptop, { list: taken, signed: signDevices(taken, laptop) }))).toBe(
      'DEVICES_NOT_ALLOWED',
    );
    expect(await code(update(ofLaptop, nextList(laptop, list, list.keys, true)))).toBe('DEVICES_NOT_ALLOWED');
    const weak = nextList(alice, list, [entryOf(laptop, 'manage'), entryOf(phone, 'use')]);
    await update(words, weak);
    const more = nextList(laptop, weak.list, [entryOf(laptop, 'use', 'manage')]);
    expect(await code(update(alpha.asDevice(laptop), more))).toBe('DEVICES_NOT_ALLOWED');
  });

  test('two lists of one number are kept, and the first stays in force', async () => {
    const { alpha, words, laptop: ofLaptop, list } = await withDevices();
    const one = nextList(laptop, list, [entryOf(laptop, 'use', 'make', 'manage')]);
    const other = nextList(laptop, list, [entryOf(laptop, 'use', 'make', 'manage'), entryOf(tablet, 'use')]);
    await update(ofLaptop, one);
    for (let i = 0; i < 2; i++) expect(await code(update(ofLaptop, other))).toBe('DEVICES_TWICE');
    await alpha.restart();
    const { twice, hash } = await alpha.as(alice).ask('device.show', { after: null });
    expect(hash).toEqual(hashDevices(one.list));
    expect(twice).toEqual([{ generation: 0, number: 2, documents: [one.signed, other.signed] }]);
    // One that could not have come into force says nothing of anybody.
    const spoilt = { ...other.signed, signature: random(64) };
    expect(await code(words.ask('device.update', { documents: [spoilt] }))).toBe('DEVICES_SIGNATURE_INVALID');
  });
});

test('what a thief’s device made twice keeps nothing out of what is kept once the words have begun a generation', async () => {
  const { words, laptop: thief, list } = await withDevices();
  let before = list;
  for (let i = 0; i < 9; i++) {
    const next = nextList(laptop, before, before.keys);
    const other = nextList(laptop, before, [entryOf(laptop, 'use', 'make', 'manage')]);
    await update(thief, next);
    expect(await code(update(thief, other))).toBe('DEVICES_TWICE');
    before = next.list;
  }
  const begun = nextList(alice, before, [entryOf(tablet, 'manage')], true);
  await update(words, begun);
  const one = nextList(tablet, begun.list, [entryOf(tablet, 'manage')]);
  const other = nextList(tablet, begun.list, []);
  await update(words, one);
  expect(await code(update(words, other))).toBe('DEVICES_TWICE');
  const { twice } = await words.ask('device.show', { after: null });
  expect(twice).toHaveLength(8);
  expect(twice[0]).toEqual({ generation: 1, number: 1, documents: [one.signed, other.signed] });
});

describe('lists that are brought', () => {
  test('to a server that was away come all at once, in order, and again without harm', async () => {
    const { alpha, words, list } = await withDevices();
    const two = nextList(laptop, list, [entryOf(laptop, 'use', 'make', 'manage')]);
    const three = nextList(laptop, two.list, [...two.list.keys, entryOf(tablet, 'use', 'manage')]);
    const four = nextList(tablet, three.list, [entryOf(tablet, 'use', 'manage')]);
    expect(await code(update(words, four))).toBe('DEVICES_LINK_MISSING');
    expect(await code(update(words, two, four))).toBe('DEVICES_LINK_MISSING');
    // Nothing of it came into force.
    expect((await words.ask('device.show', { after: null })).number).toBe(1);
    for (let i = 0; i < 2; i++) expect(await update(words, two, three, four)).toMatchObject({ number: 4 });
    const begun = nextList(alice, four.list, [entryOf(tablet, 'use', 'manage')], true);
    for (let i = 0; i < 2; i++) {
      expect(await update(words, two, three, four, begun)).toMatchObject({ generation: 1, number: 0 });
    }
    expect((await describeAt(alpha.asDevice(tablet))).name).toBe('alpha');
  });

  test('are shown behind one that is known', async () => {
    const { words, list } = await withDevices();
    const two = nextList(alice, list, list.keys);
    const four = nextList(laptop, nextList(laptop, two.list, list.keys).list, list.keys);
    await update(words, two, nextList(laptop, two.list, list.keys), four);
    const page = await words.ask('device.show', { after: { generation: 0, number: 2 } });
    expect(devicesBehind(two.list, page.links)).toEqual(four.list);
    expect((await words.ask('device.show', { after: { generation: 0, number: 4 } })).links).toEqual([]);
  });

  test('are shown in pages', async () => {
    const { words, list } = await withDevices();
    const lists: SignedList[] = [];
    for (let i = 0; i < 40; i++) lists.push(nextList(alice, lists.at(-1)?.list ?? list, list.keys));
    await update(words, ...lists.slice(0, 20));
    await update(words, ...lists.slice(20));
    const page = await words.ask('device.show', { after: null });
    expect([page.links.length, page.next]).toEqual([32, { generation: 0, number: 32 }]);
    const rest = await words.ask('device.show', { after: page.next });
    expect([rest.links.length, rest.next, rest.number]).toEqual([9, null, 41]);
  });

  test('are refused each with its code, and nothing changes', async () => {
    const { alpha, words, list } = await withDevices();
    const bravo = await start();
    await bravo.as(alice).join();
    const good = nextList(laptop, list, list.keys);
    const many = Array.from({ length: 17 }, (_, i) => entryOf(deviceOf(alice, 150 + i), 'use'));
    const before = await words.ask('device.show', { after: null });
    const first = firstListAt(alpha, alice);
    const cases: Readonly<
      Record<string, readonly [{ document: Uint8Array; signature: Uint8Array }, string]>
    > = {
      malformed: [{ ...good.signed, document: good.signed.document.subarray(1) }, 'DEVICES_INVALID'],
      foreign: [nextList(mallory, firstListAt(alpha, mallory), []).signed, 'DEVICES_FOR_OTHERS'],
      'for another server': [nextList(alice, firstListAt(bravo, alice), []).signed, 'DEVICES_FOR_OTHERS'],
      'signed by nobody on the list': [nextList(tablet, list, list.keys).signed, 'DEVICES_SIGNATURE_INVALID'],
      'with a wrong signature': [{ ...good.signed, signature: random(64) }, 'DEVICES_SIGNATURE_INVALID'],
      old: [nextList(alice, { ...first, number: -1 }, []).signed, 'DEVICES_OLD'],
      'with a gap': [nextList(laptop, good.list, list.keys).signed, 'DEVICES_LINK_MISSING'],
      'too large': [{ ...good.signed, document: new Uint8Array(8_193) }, 'PARAMETERS_INVALID'],
      'of too many devices': [nextList(alice, list, many).signed, 'DEVICES_TOO_MANY'],
      'by a device that may not': [nextList(phone, list, list.keys).signed, 'DEVICES_NOT_ALLOWED'],
    };
    for (const [what, [signed, expected]] of Object.entries(cases)) {
      const refused = await code(words.ask('device.update', { documents: [signed] }));
      expect([what, refused]).toEqual([what, expected]);
    }
    expect(await words.ask('device.show', { after: null })).toEqual(before);
    expect(await update(words, good)).toMatchObject({ number: 2 });
    expect(alpha.log()).not.toContain('"msg":"bug"');
  });
});

test('lists that the words sign count among what the account has stored; to take a device out, or to begin anew, is refused to nobody for that', async () => {
  const alpha = await startTestServer({ settings: { quota: { bytes: 3_000 } } });
  more.push(alpha);
  const { words, list } = await withDevices(alpha);
  let before = list;
  let said = 'OK';
  for (let i = 0; said === 'OK' && i < 20; i++) {
    // The same devices, which may do as much: one list more.
    const next = nextList(alice, before, before.keys);
    said = await code(update(words, next));
    if (said === 'OK') before = next.list;
  }
  expect(said).toBe('QUOTA_BYTES');
  const without = nextList(alice, before, before.keys.slice(1));
  expect(await code(update(words, without))).toBe('OK');
  const anew = nextList(alice, without.list, without.list.keys, true);
  expect(await code(update(words, anew))).toBe('OK');
  const next = nextList(alice, anew.list, anew.list.keys);
  expect(await code(update(words, next))).toBe('OK');
});
