import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { memoryStore } from '../store/memory-store.js';
import { REQUEST_SERVERS, REQUEST_WAYS, type RequestServer, type RequestStage } from './request-ways.js';
import { createTestNetwork, messageOf, ownerClient, type TestNetwork, unreachable } from './test-network.js';

const DAY = 86_400;
const STATES = Object.keys(REQUEST_SERVERS) as RequestServer[];

let folder: string;
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

/** Which operators have said yes by then. */
const APPROVED: Readonly<Partial<Record<RequestStage, readonly string[]>>> = {
  partly: ['alpha'],
  approved: ['alpha', 'bravo'],
  signed: ['alpha', 'bravo'],
};

async function reach(at: RequestStage): Promise<string> {
  if (at === 'asked') await killedAtTheFirstServer();
  else await expectWaits();
  for (const { name, bare } of network.servers) {
    const { desk } = bare.sessions;
    for (const { requestId } of await desk.list()) {
      if (APPROVED[at]?.includes(name) === true) await desk.approve(requestId);
      if (at === 'rejected') await desk.reject(requestId, 'not today');
    }
  }
  const [request] = await client.listRequests();
  const id = encodeHex(request!.requestId);
  if (at === 'signed') await resume(id);
  if (at === 'cancelled') {
    network.cut('bravo');
    await client.cancelRequest(id, 'enough');
    network.makeHonest();
  }
  return id;
}

async function expectWaits(): Promise<void> {
  const asked = client.sign({ key: 'k', ...messageOf('hello'), waitSeconds: 0 });
  await expect(asked).rejects.toMatchObject({ code: 'REQUEST_WAITING' });
}

async function befall(state: RequestServer, copy: { readonly forgot: string; readonly older: string }) {
  const bravo = network.server('bravo');
  if (state === 'expired') network.now += 400 * DAY;
  if (state === 'older' || state === 'forgot') await bravo.restart({ dataDir: copy[state] });
  if (state === 'gone') bravo.tamper = () => Promise.reject(unreachable('bravo'));
}

const resume = async (id: string) => (await client.prepareAgain(id, { waitSeconds: 0 })).sign();

async function approveAll(): Promise<void> {
  for (const { bare } of network.servers) {
    const { desk } = bare.sessions;
    for (const { requestId } of await desk.list()) await desk.approve(requestId);
  }
}

/** It is gone from every server that answers, at the latest when its time is over. */
async function expectForgotten(): Promise<void> {
  network.now += 400 * DAY;
  for (const { bare } of network.servers) {
    await bare.sessions.sweep();
    expect(await bare.sessions.desk.list()).toEqual([]);
  }
}

/** Every state of a request at these stages. */
export function walkRequestWays(stages: readonly RequestStage[]): void {
  const all = stages.flatMap((at) => STATES.map((state) => ({ at, state })));
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ckm-request-ways-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe('a request has a way on or a way out', () => {
    afterEach(() => network.close());

    test.each(all)('when it is $at and a server is $state', async ({ at, state }) => {
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
      if (way.resume === 'done') {
        expect(await client.showRequest(id)).toMatchObject({
          state: 'finished',
          artefact: expect.any(Uint8Array) as unknown,
        });
        expect(failure).toMatchObject({ remedy: { kind: 'showRequest' } });
        return;
      }
      if (failure?.code === 'REQUEST_OVER') {
        expect((await client.showRequest(id)).state).toBe('cancelled');
        if (state === 'same') {
          // Whoever had not heard may say yes: nobody signs for it, and it is asked anew.
          await approveAll();
          await expect(resume(id)).rejects.toMatchObject({ code: 'REQUEST_OVER' });
          await expectForgotten();
          await expectWaits();
        }
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
        await approveAll();
        expect((await resume(id)).signers).toEqual(['alpha', 'bravo']);
        return;
      }
      if (way.resume === 'add') {
        expect(failure).toMatchObject({
          message: expect.stringContaining('bravo does not know you any more') as unknown,
          remedy: { kind: 'addServer', name: 'bravo' },
        });
      }
      expect((await client.cancelRequest(id, 'enough')).state).toBe('cancelled');
      await expect(client.prepareAgain(id)).rejects.toMatchObject({ code: 'REQUEST_OVER' });
    });
  });
}
