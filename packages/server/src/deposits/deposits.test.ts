import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstDevices, MAX_DEPOSIT_BYTES, MAX_DEPOSITS } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deviceOf, entryOf, firstListAt, nextList } from '../test/account-devices.js';
import { person, random } from '../test/rooms.js';
import { keysOf, problemIn, startTestServer, type TestClient, type TestServer } from '../test/test-server.js';

/** A server that all of them share; each test has an owner of its own. */
let shared: TestServer;
let owners = 0;
let hers: TestClient;
beforeAll(async () => {
  shared = await startTestServer({ settings: { limits: { accountsPerAddressPerDay: 1_000 } } });
});
afterAll(() => shared.remove());
beforeEach(async () => {
  hers = await shared.as(person(++owners)).join();
});

const more: TestServer[] = [];
afterEach(async () => {
  for (const server of more.splice(0)) await server.remove();
});
async function start(options: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  more.push(server);
  return server;
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const store = async (client: TestClient, data: Uint8Array) =>
  (await client.ask('share.store', { data })).receipt;
const get = async (client: TestClient, ...receipts: Uint8Array[]) =>
  (await client.ask('share.get', { receipts })).shares;
const remove = async (client: TestClient, ...receipts: Uint8Array[]) =>
  (await client.ask('share.delete', { receipts })).deleted;
const list = async (client: TestClient) => (await client.ask('share.list', {})).shares;

describe('a share that is kept', () => {
  test('is given back by its receipt, which is SHA-256 of the XID and the data, until it is deleted', async () => {
    const data = random(400);
    const { subtle } = globalThis.crypto;
    const expected = await subtle.digest('SHA-256', new Uint8Array([...hers.identity.xid, ...data]));
    const receipt = await store(hers, data);
    expect(encodeHex(receipt)).toBe(encodeHex(new Uint8Array(expected)));
    expect(await list(hers)).toEqual([{ receipt, at: shared.now, length: 400 }]);
    expect(await get(hers, receipt)).toEqual([{ receipt, data }]);
    expect(await remove(hers, receipt)).toEqual([receipt]);
    expect(await remove(hers, receipt)).toEqual([]);
    expect(await get(hers, receipt)).toEqual([]);
    expect(await list(hers)).toEqual([]);
  });

  test('is kept once, however often it is brought', async () => {
    const data = random(100);
    const receipt = await store(hers, data);
    shared.now += 10;
    expect(await store(hers, data)).toEqual(receipt);
    expect(await list(hers)).toEqual([{ receipt, at: shared.now - 10, length: 100 }]);
  });

  test('is among those asked for, in that order and each once; what is not there is left out', async () => {
    const [one, two] = [await store(hers, random(10)), await store(hers, random(20))];
    const nobodys = random(32);
    const shares = await get(hers, two, nobodys, one, two);
    expect(shares.map(({ receipt }) => receipt)).toEqual([two, one]);
    expect(await remove(hers, two, nobodys, two)).toEqual([two]);
    expect((await list(hers)).map(({ receipt }) => receipt)).toEqual([one]);
  });

  test('is there after a restart', async () => {
    const alpha = await start();
    const client = await alpha.as(person(1)).join();
    const data = random(50);
    const receipt = await store(client, data);
    await alpha.restart();
    expect(await get(alpha.as(person(1)), receipt)).toEqual([{ receipt, data }]);
  });

  test.each([
    ['empty', 0],
    ['longer than an envelope with two shares', MAX_DEPOSIT_BYTES + 1],
  ])('is refused if it is %s, and nothing is kept', async (_, length) => {
    expect(await code(store(hers, random(MAX_DEPOSIT_BYTES)))).toBe('OK');
    expect(await code(hers.ask('share.store', { data: random(length) }))).toBe('PARAMETERS_INVALID');
    expect(await list(hers)).toHaveLength(1);
  });

  test.each([
    ['none', []],
    ['one that is cut', [random(31)]],
    ['more than fit', Array.from({ length: 17 }, () => random(32))],
  ])('is asked for by receipts, and not by %s', async (_, receipts) => {
    expect(await code(get(hers, ...receipts))).toBe('PARAMETERS_INVALID');
    expect(await code(remove(hers, ...receipts))).toBe('PARAMETERS_INVALID');
  });
});

describe('how much is kept', () => {
  test('is so many shares of one account, and others have their own', async () => {
    const receipts: Uint8Array[] = [];
    for (let i = 0; i < MAX_DEPOSITS; i++) {
      // The account's rate is no part of this.
      if (i % 20 === 0) shared.now += 61;
      receipts.push(await store(hers, random(32)));
    }
    shared.now += 61;
    const one = random(33);
    expect(await code(store(hers, one))).toBe('QUOTA_SHARES');
    const other = await shared.as(person(++owners)).join();
    expect(await code(store(other, one))).toBe('OK');
    expect(await list(hers)).toHaveLength(MAX_DEPOSITS);
    await remove(hers, receipts[7]!);
    expect(await code(store(hers, one))).toBe('OK');
  });

  test('is so many bytes of one account, together with all else that it has stored', async () => {
    const alpha = await start({ settings: { quota: { bytes: 2_500 } } });
    const client = await alpha.as(person(1)).join();
    const first = await store(client, random(1_000));
    await store(client, random(1_000));
    expect(await code(store(client, random(1_000)))).toBe('QUOTA_BYTES');
    await remove(client, first);
    expect(await code(store(client, random(1_000)))).toBe('OK');
  });
});

describe('what the reference does not ask, and is asked here', () => {
  test('another’s receipt does not exist: it is neither read nor deleted, and is answered as one that nobody has', async () => {
    const data = random(200);
    const receipt = await store(hers, data);
    const mallory = await shared.as(person(++owners)).join();
    expect(await get(mallory, receipt)).toEqual(await get(mallory, random(32)));
    expect(await remove(mallory, receipt)).toEqual(await remove(mallory, random(32)));
    // Whoever has the data has a receipt of his own for it, and deletes his own.
    const own = await store(mallory, data);
    expect(encodeHex(own)).not.toBe(encodeHex(receipt));
    expect(await remove(mallory, own, receipt)).toEqual([own]);
    expect(await list(mallory)).toEqual([]);
    expect(await get(hers, receipt)).toEqual([{ receipt, data }]);
  });

  test('nobody gets an account, or what it keeps, by saying that he has lost it: another key is no sender of its messages', async () => {
    const receipt = await store(hers, random(200));
    const { identity } = hers;
    const thief = deviceOf(identity, 201);
    for (const posing of [shared.as(thief), shared.asDevice(thief)]) {
      const answer = await posing.post(posing.seal('share.get', { receipts: [receipt] }));
      expect(problemIn(answer).code).toBe('MESSAGE_NOT_AUTHENTICATED');
    }
    expect(await get(hers, receipt)).toHaveLength(1);
  });

  test('nobody puts a key of his on another’s account: a list is for the account whose message brings it', async () => {
    const receipt = await store(hers, random(200));
    const mallory = person(++owners);
    const his = await shared.as(mallory).join();
    const { xid, publicKeys } = hers.identity;
    const first = firstDevices(keysOf(shared.server).xid, xid, publicKeys);
    const { signed } = nextList(mallory, first, [entryOf(deviceOf(hers.identity, 202), 'manage')]);
    expect(await code(his.ask('device.update', { documents: [signed] }))).toBe('DEVICES_FOR_OTHERS');
    expect(await code(hers.ask('device.update', { documents: [signed] }))).toBe('DEVICES_SIGNATURE_INVALID');
    const posing = shared.asDevice(deviceOf(hers.identity, 202));
    const answer = await posing.post(posing.seal('share.delete', { receipts: [receipt] }));
    expect(problemIn(answer).code).toBe('MESSAGE_NOT_AUTHENTICATED');
    expect(await get(hers, receipt)).toHaveLength(1);
  });

  test('nothing empties the database: no path does, and no message without receipts', async () => {
    await store(hers, random(200));
    for (const path of ['/reset-db', '/reset', '/']) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const response = await shared.server.app.fetch(new Request(`http://alpha${path}`, { method }));
        expect(response.ok).toBe(false);
      }
    }
    expect(await code(remove(hers))).toBe('PARAMETERS_INVALID');
    expect(await list(hers)).toHaveLength(1);
  });

  test('nothing of a share is in the log, whatever becomes of it, and nothing of it lies open in the database', async () => {
    const alpha = await start();
    const client = await alpha.as(person(1)).join();
    const data = random(300);
    const receipt = await store(client, data);
    await get(client, receipt);
    const mallory = await alpha.as(person(2)).join();
    await get(mallory, receipt);
    await code(client.ask('share.store', { data: new Uint8Array([...data, ...new Uint8Array(800)]) }));
    const stored = readdirSync(alpha.dataDir)
      .filter((name) => name.startsWith('ckm.sqlite'))
      .map((name) => readFileSync(join(alpha.dataDir, name)));
    expect(stored.length).toBeGreaterThan(0);
    // Its receipt lies open there: that finds it.
    expect(stored.some((file) => file.includes(Buffer.from(receipt)))).toBe(true);
    for (const file of stored) expect(file.includes(Buffer.from(data.subarray(30, 60)))).toBe(false);
    await remove(client, receipt);
    const spelled = (['hex', 'base64', 'base64url', 'latin1'] as const).map((spelling) =>
      Buffer.from(data.subarray(30, 60)).toString(spelling),
    );
    expect(alpha.log().length).toBeGreaterThan(100);
    for (const spelling of spelled) expect(alpha.log().includes(spelling)).toBe(false);
  });

  test('a message is for one server and for once: what she said to it says nothing to another, or again', async () => {
    const bravo = await start({ settings: { name: 'bravo' } });
    const there = await bravo.as(hers.identity).join();
    const receipt = await store(hers, random(200));
    const sealed = hers.seal('share.delete', { receipts: [receipt] });
    expect(problemIn(await there.post(sealed)).code).toMatch(/^MESSAGE_/);
    expect(hers.read('share.delete', await hers.post(sealed))).toEqual({ deleted: [receipt] });
    const back = await store(hers, random(201));
    const again = hers.seal('share.delete', { receipts: [back] });
    await hers.post(again);
    await store(hers, random(202));
    expect(await code((async () => hers.read('share.delete', await hers.post(again)))())).toBe(
      'MESSAGE_REPLAYED',
    );
  });
});

describe('a device', () => {
  test('that uses keys keeps shares, and neither reads nor deletes them; one that manages reads them, and deletes none while it is young (P2)', async () => {
    const receipt = await store(hers, random(200));
    const [phone, laptop] = [deviceOf(hers.identity, 101), deviceOf(hers.identity, 102)];
    const { signed } = nextList(hers.identity, firstListAt(shared, hers.identity), [
      entryOf(phone, 'use'),
      entryOf(laptop, 'manage'),
    ]);
    await hers.ask('device.update', { documents: [signed] });
    const [ofPhone, ofLaptop] = [shared.asDevice(phone), shared.asDevice(laptop)];
    expect(await code(store(ofPhone, random(10)))).toBe('OK');
    expect(await list(ofPhone)).toHaveLength(2);
    expect(await code(get(ofPhone, receipt))).toBe('DEVICE_MAY_NOT');
    expect(await code(remove(ofPhone, receipt))).toBe('DEVICE_MAY_NOT');
    expect(await get(ofLaptop, receipt)).toHaveLength(1);
    expect(await code(remove(ofLaptop, receipt))).toBe('DEVICE_TOO_YOUNG');
    expect(await remove(hers, receipt)).toEqual([receipt]);
  });
});
