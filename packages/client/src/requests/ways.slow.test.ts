import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import {
  formatRequestWays,
  REQUEST_SERVERS,
  REQUEST_STAGES,
  REQUEST_WAYS,
  type RequestServer,
  type RequestStage,
} from '../test/request-ways.js';
import { memoryStore } from '../store/memory-store.js';
import {
  createTestNetwork,
  messageOf,
  ownerClient,
  type TestNetwork,
  unreachable,
} from '../test/test-network.js';

const DAY = 86_400;
const folder = mkdtempSync(join(tmpdir(), 'ckm-request-ways-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let network: TestNetwork;
let client: Client;
let store = memoryStore();
let copies = 0;

async function copyBravo(): Promise<string> {
  const to = join(folder, `bravo-${copies++}`);
  const { bare } = network.server('bravo');
  await bare.stop();
  cpSync(bare.dataDir, to, { recursive: true });
  await network.server('bravo').restart();
  return to;
}

/** A key of two servers that both ask their operators, and bravo as it was before its owner came, and before the request. */
async function begin(): Promise<{ readonly forgot: string; readonly older: string }> {
  network = await createTestNetwork(2);
  store = memoryStore();
  const forgot = await copyBravo();
  client = await network.owner({ store, timeoutMs: 300 });
  const policy = { approval: 'operator' } as const;
  const quorum = { needed: 2, of: 2 };
  await client.createKey({ name: 'k', purpose: 'message', quorum, servers: ['alpha', 'bravo'], policy });
  return { forgot, older: await copyBravo() };
}

async function killedAtTheFirstServer(): Promise<void> {
  await new Promise<void>((resolve) => {
    const crashing = ownerClient(
      async (url, request) => {
        if (url.includes('alpha')) await network.send(url, request);
        resolve();
        return new Promise(() => undefined);
      },
      () => network.now,
      { store },
    );
    void crashing.sign({ key: 'k', ...messageOf('hello') }).catch(() => undefined);
  });
}

async function reach(at: RequestStage): Promise<string> {
  if (at === 'asked') await killedAtTheFirstServer();
  else {
    const asked = client.sign({ key: 'k', ...messageOf('hello'), waitSeconds: 0 });
    await expect(asked).rejects.toMatchObject({ code: 'REQUEST_WAITING' });
  }
  for (const { bare } of network.servers) {
    const { desk } = bare.sessions;
    for (const { requestId } of await desk.list()) {
      if (at === 'approved') await desk.approve(requestId);
      if (at === 'rejected') await desk.reject(requestId, 'not today');
    }
  }
  const [request] = await client.listRequests();
  return encodeHex(request!.requestId);
}

async function befall(state: RequestServer, copy: { readonly forgot: string; readonly older: string }) {
  const bravo = network.server('bravo');
  if (state === 'expired') network.now += 400 * DAY;
  if (state === 'older' || state === 'forgot') await bravo.restart({ dataDir: copy[state] });
  if (state === 'gone') bravo.tamper = () => Promise.reject(unreachable('bravo'));
}

const resume = async (id: string) => (await client.prepareAgain(id, { waitSeconds: 0 })).sign();

const STAGES = Object.keys(REQUEST_STAGES) as RequestStage[];
const STATES = Object.keys(REQUEST_SERVERS) as RequestServer[];
const ALL = STAGES.flatMap((at) => STATES.map((state) => ({ at, state })));

describe('a request has a way on or a way out', () => {
  afterEach(() => network.close());

  test.each(ALL)('when it is $at and a server is $state', async ({ at, state }) => {
    const way = REQUEST_WAYS[at][state];
    const copy = await begin();
    const id = await reach(at);
    await befall(state, copy);
    const failure = await resume(id).then(
      () => null,
      (error: unknown) => error as { code: string },
    );
    if (failure === null) expect(way.says).toEqual([]);
    else expect(way.says).toContain(failure.code);
    if (way.resume === 'on') {
      expect((await client.showRequest(id)).state).toBe('finished');
      return;
    }
    if (failure?.code === 'REQUEST_REJECTED') {
      const { state: ending, reason } = await client.showRequest(id);
      expect([ending, reason]).toEqual(['failed', expect.stringContaining('not today')]);
      await expect(client.prepareAgain(id)).rejects.toMatchObject({ code: 'REQUEST_OVER' });
      return;
    }
    expect((await client.showRequest(id)).state).toBe('open');
    if (way.resume === 'people') {
      for (const { bare } of network.servers) {
        const { desk } = bare.sessions;
        for (const { requestId } of await desk.list()) await desk.approve(requestId);
      }
      expect((await resume(id)).signers).toEqual(['alpha', 'bravo']);
      return;
    }
    if (way.resume === 'add') {
      expect(failure).toMatchObject({
        message: expect.stringContaining('bravo does not know you any more'),
        remedy: { kind: 'addServer', name: 'bravo' },
      });
    }
    expect((await client.cancelRequest(id, 'enough')).state).toBe('cancelled');
    await expect(client.prepareAgain(id)).rejects.toMatchObject({ code: 'REQUEST_OVER' });
  });
});

test('docs/requests.md prints this table', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/requests.md'), 'utf8');
  const squeezed = (text: string) => text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---');
  expect(squeezed(page)).toContain(squeezed(formatRequestWays()));
});
