import type { Spending } from '@ckm/requests';
import { expect, test } from 'vitest';
import type { RequestRecord } from '../requests/request-record.js';
import { listRequests, saveRequest } from '../requests/requests.js';
import { markSpending } from '../store/marks.js';
import { memoryStore } from '../store/memory-store.js';
import { recordsOf } from '../test/test-network.js';
import { besideOpenRequests } from './open-rivals.js';
import type { UnderstoodRequest } from './request.js';

const NOW = 1_000;
const key = { keyId: new Uint8Array(32).fill(1) };
const idOf = (byte: number) => new Uint8Array(32).fill(byte);

function spending(by: string, coins: readonly string[], coinsOfOthers: readonly string[] = []): Spending {
  return { by, coins, coinsOfOthers, addresses: [], changes: [] };
}

/** A request that is open. */
function openRequest(
  byte: number,
  spends: Spending | null,
  more: Partial<RequestRecord> = {},
): RequestRecord {
  return {
    requestId: idOf(byte),
    state: 'open',
    createdAt: byte,
    expiresAt: NOW + 60,
    reason: null,
    keyName: 'treasury',
    keyId: key.keyId,
    kind: 'bitcoin',
    payload: Uint8Array.of(1),
    sentence: 'Pay.',
    without: [],
    attempts: 0,
    artefact: null,
    destination: null,
    spends: spends === null ? null : markSpending(spends),
    refusals: [],
    ...more,
  };
}

async function storeWith(...requests: readonly RequestRecord[]) {
  const store = recordsOf(memoryStore());
  for (const request of requests) await saveRequest(store, request);
  return store;
}

async function warningsOf(
  store: Awaited<ReturnType<typeof storeWith>>,
  wanted: Spending | null,
  requestId: Uint8Array | null = null,
) {
  const description = { sentence: 'Pay.', rows: [], warnings: [], blind: false };
  const request = { description, spending: wanted } as unknown as UnderstoodRequest;
  const context = { store, clock: () => NOW };
  const beside = await besideOpenRequests(context, key as never, request, requestId);
  return beside.description.warnings;
}

test('two open requests for one coin: the second is told of the first, by the id that lists show', async () => {
  const store = await storeWith(openRequest(0xab, spending('first', ['a:0', 'b:1'])));
  expect(await warningsOf(store, spending('second', ['b:1', 'c:2']))).toEqual([
    {
      code: 'COIN_REQUESTED_TWICE',
      text: 'another request that is still open spends the same coin: abababab; only one of them can be mined',
    },
  ]);
  expect(await warningsOf(store, spending('second', ['c:2']))).toEqual([]);
});

test('a request is no rival of itself, of the same transaction, nor of one that is over or of another key', async () => {
  const first = spending('first', ['a:0']);
  const itself = openRequest(1, first);
  expect(await warningsOf(await storeWith(itself), spending('other', ['a:0']), itself.requestId)).toEqual([]);
  expect(await warningsOf(await storeWith(itself), first)).toEqual([]);
  const over: Partial<RequestRecord>[] = [
    { state: 'cancelled' },
    { state: 'failed' },
    { expiresAt: NOW },
    { keyId: idOf(9) },
  ];
  const store = await storeWith(...over.map((more, at) => openRequest(at + 2, first, more)));
  expect(await warningsOf(store, spending('other', ['a:0']))).toEqual([]);
});

test('what spends nothing does not look at other requests', async () => {
  const store = await storeWith();
  const blocked = { ...store, list: () => Promise.reject(new Error('looked')) };
  expect(await warningsOf(blocked, null)).toEqual([]);
});

test('a coin that an open request spends as the key’s is refused as somebody else’s', async () => {
  const store = await storeWith(openRequest(1, spending('first', ['a:0'])));
  await expect(warningsOf(store, spending('second', ['b:1'], ['a:0']))).rejects.toMatchObject({
    code: 'PSBT_INPUT_OWNER_HIDDEN',
    message: 'a coin that another open request spends is passed off as somebody else’s: a:0',
  });
});

test('a request on record keeps what it spends, and one of an earlier version or of another kind spends nothing', async () => {
  const store = await storeWith(openRequest(1, spending('first', ['a:0'])), openRequest(2, null));
  const [first, second] = await listRequests(store);
  expect([first!.spends, second!.spends]).toEqual([markSpending(spending('first', ['a:0'])), null]);
});
