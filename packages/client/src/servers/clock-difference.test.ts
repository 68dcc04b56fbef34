import { toProblem } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client, ClientOptions } from '../client.js';
import { memoryStore } from '../store/memory-store.js';
import { createTestNetwork, json, messageOf, ownerClient, type TestNetwork } from '../test/test-network.js';
import { judgeClocks } from './clock-difference.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

/** @param seconds by how much our clock is ahead of alpha, bravo and so on */
const judged = (...seconds: readonly number[]) =>
  judgeClocks(seconds.map((one, i) => ({ server: SERVERS[i]!, seconds: one })));

describe('judgeClocks says whose clock is wrong, and by how much', () => {
  test.each([
    [[0, 30, -30], null],
    [[], null],
    [[240, 239, 242], 'your clock is 4 min ahead of alpha, bravo and charlie'],
    [[-91, -90, -90], 'your clock is 91 s behind alpha, bravo and charlie'],
    [[-7_200, 90, 0], 'your clock is 2 h behind alpha, 90 s ahead of bravo'],
    [[0, 1, 240], 'the clock of charlie is 4 min behind yours'],
    [[-259_200, 2, -1], 'the clock of alpha is 3 d ahead of yours'],
    [[45], 'your clock is 45 s ahead of alpha'],
  ])('%j', (seconds, text) => {
    expect(judged(...seconds)?.text ?? null).toBe(text);
  });

  test('and names who has to set it', () => {
    expect(judged(240, 240, 240)).toMatchObject({ whose: 'ours', servers: SERVERS });
    expect(judged(0, 0, 240)).toMatchObject({
      whose: 'theirs',
      servers: ['charlie'],
      hint: 'ask the operator of charlie to set the clock (NTP)',
    });
    expect(judged(240)?.whose).toBe('unknown');
  });
});

describe('an owner whose clock is wrong', () => {
  let network: TestNetwork;
  const store = memoryStore();
  const clients: Client[] = [];
  const key = { purpose: 'message', quorum: { needed: 2, of: 3 }, servers: SERVERS } as const;

  beforeAll(async () => {
    network = await createTestNetwork(3);
    const owner = await network.owner({ store });
    await owner.createKey({ ...key, name: 'notes' });
  });
  afterEach(() => {
    network.makeHonest();
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await network.close();
  });

  /** @param shift of the clock of the owner, in seconds @param wrong servers whose clocks are as far off themselves */
  function ownerAt(shift: number, options: Partial<ClientOptions> = {}): Client {
    for (const server of network.servers)
      server.wire = (_request, pass) =>
        pass().catch((error: unknown) => {
          if (!(error instanceof CkmError)) throw error;
          return json(error.httpStatus, toProblem(error));
        });
    const client = ownerClient(network.send, () => network.now + shift, { store, ...options });
    clients.push(client);
    return client;
  }

  test.each([
    [240, 'your clock is 4 min ahead of alpha, bravo and charlie'],
    [-3_600, 'your clock is 60 min behind alpha, bravo and charlie'],
  ])('by %d s is told so by sign, createKey, status and diagnose', async (shift, text) => {
    const client = ownerAt(shift);
    await expect(client.sign({ key: 'notes', ...messageOf('x') })).rejects.toMatchObject({
      code: 'CLOCK_DIFFERS',
      message: `too few servers can sign, 2 are needed: ${text}`,
    });
    const began = Date.now();
    await expect(client.createKey({ ...key, name: shift > 0 ? 'early' : 'late' })).rejects.toMatchObject({
      code: 'CLOCK_DIFFERS',
      message: text,
      remedy: { kind: 'resumeSession' },
    });
    expect(Date.now() - began).toBeLessThan(1_000);
    const { servers, clock, keys } = await client.status();
    expect(clock).toMatchObject({ whose: 'ours', text });
    expect(servers.map(({ problem, clockOffset }) => [problem?.code, clockOffset])).toEqual(
      SERVERS.map(() => ['CLOCK_DIFFERS', -shift]),
    );
    // Nobody has to bring back what is there.
    expect(keys[0]).toMatchObject({ absent: [], reachable: [], margin: -2 });
    const lines = await client.diagnose();
    expect(lines.filter(({ subject }) => subject === 'clock')).toEqual([
      { level: 'fail', subject: 'clock', text, fix: expect.stringContaining('NTP') as string, isLocal: true },
    ]);
    expect(lines.filter(({ level, subject }) => level === 'fail' && SERVERS.includes(subject))).toEqual([]);
  });

  test('by as much as messages still arrive with gets signatures, and is told', async () => {
    for (const [shift, text] of [
      [55, 'your clock is 55 s ahead of alpha, bravo and charlie'],
      [-90, 'your clock is 90 s behind alpha, bravo and charlie'],
    ] as const) {
      const client = ownerAt(shift);
      expect((await client.sign({ key: 'notes', ...messageOf('x') })).signers).toHaveLength(2);
      await client.status();
      expect(client.clockDifference()).toMatchObject({ text });
    }
  });

  test('at one server alone is told that it is that server’s, and the others sign', async () => {
    const client = ownerAt(0);
    network.server('charlie').wire = () =>
      Promise.resolve(
        json(409, {
          code: 'MESSAGE_FROM_FUTURE',
          facts: { receivedAt: network.now - 240 },
        }),
      );
    const { clock } = await client.status();
    expect(clock).toMatchObject({ whose: 'theirs', text: 'the clock of charlie is 4 min behind yours' });
    for (let i = 0; i < 3; i++) {
      const { signers, silences } = await client.sign({ key: 'notes', ...messageOf('x') });
      expect(signers).toEqual(['alpha', 'bravo']);
      for (const one of silences)
        expect(one).toEqual({
          server: 'charlie',
          reason: 'has a clock 4 min behind yours',
          code: 'CLOCK_DIFFERS',
        });
    }
  });

  test('is not told so by a server that says it of a message that was in time', async () => {
    const client = ownerAt(0);
    network.server('alpha').wire = () =>
      Promise.resolve(json(410, { code: 'MESSAGE_EXPIRED', facts: { receivedAt: network.now + 2 } }));
    const { clock, servers } = await client.status();
    expect(clock).toBeNull();
    expect(servers[0]!.problem?.code).toBe('SERVER_REFUSED_MESSAGE');
  });
});
