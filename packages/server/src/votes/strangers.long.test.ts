// @module-tag long
import { randomBytes } from 'node:crypto';
import { compareBytes, encodeUtf8, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate, verifyFirstEpoch } from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import { alice, createBareServers, makeKey } from '../sessions/test/bare-servers.js';
import { BY_DOMAIN } from '../sessions/test/terms.js';
import type { Storage } from '../storage/storage.js';
import { askingTerms, bob, requesterOf, voteOn } from './test/asked-people.js';

const network = createBareServers();
afterEach(() => network.close());

/** Accounts that stand before that of Alice in whatever order accounts stand in. */
function strangersBefore(count: number): readonly Identity[] {
  const strangers: Identity[] = [];
  while (strangers.length < count) {
    const one = createIdentity(secret(new Uint8Array(randomBytes(32))));
    if (compareBytes(one.xid, alice.xid) < 0) strangers.push(one);
  }
  return strangers;
}

/** Counts how many keys are looked at that have one id, how much is read of matters, and how many payloads. */
function watched() {
  const looked = { keys: 0, matterBytes: 0, payloads: 0 };
  const wrap = (storage: Storage): Storage => ({
    ...storage,
    read: (work) =>
      storage.read((reader) =>
        work({
          ...reader,
          keys: {
            ...reader.keys,
            withId: async (keyId) => {
              const rows = await reader.keys.withId(keyId);
              looked.keys += rows.length;
              return rows;
            },
          },
          matters: {
            ...reader.matters,
            find: async (name) => {
              const row = await reader.matters.find(name);
              looked.matterBytes += row?.sealed.length ?? 0;
              return row;
            },
          },
          matterPayloads: {
            find: (name) => {
              looked.payloads++;
              return reader.matterPayloads.find(name);
            },
          },
        }),
      ),
  });
  return { looked, wrap };
}

test('an approver sees and answers what the key asks that he knows, however many strangers ask the same for keys of its id', async () => {
  const { looked, wrap } = watched();
  const { servers, callers } = await network.openMany(2, { wrap });
  const policy = askingTerms(BY_DOMAIN);
  const { keyId, certificate, signer } = await makeKey(callers, { policy });
  const known = verifyFirstEpoch(parseCertificate(certificate)).transcriptHash;
  const requestId = new Uint8Array(randomBytes(32));
  const payload = buildMessageRequest({ domain: 'asked', bytes: encodeUtf8('let it be') });
  const ask = { requestId, kind: 'message', payload };
  const requester = requesterOf({ ...ask, keyId });
  await signer.request(1, ask, { requester });
  for (const stranger of strangersBefore(12)) {
    const theirs = await Promise.all(servers.map((server) => server.as(stranger)));
    const { signer: other } = await makeKey(theirs, { policy, keyId });
    // Who asks stands in what was asked: they repeat it.
    expect(await other.request(1, ask, { requester })).toMatchObject({ state: 'waiting' });
  }
  const asBob = servers[0]!.asAnybody(bob);
  const named = { matter: 'request', matterId: requestId, keyId, known } as const;
  const shown = await asBob.call('approval.show', named);
  expect(shown).toMatchObject({ transcriptHash: known, certificate: null });
  const { matters } = await asBob.call('approval.list', { after: null, of: { keyId, known } });
  expect(matters).toHaveLength(1);
  const votes = [voteOn(bob, shown, servers)];
  expect(await asBob.call('approval.give', { votes, known })).toEqual({ refused: [] });
  expect(await signer.request(1, ask, { requester })).toMatchObject({ people: { yes: ['bob'] } });
  // Whose key it is was looked for once: from then on nothing of what strangers have is opened for him.
  expect(looked.keys).toBe(13);
  const other = { ...named, known: new Uint8Array(32) };
  await expect(asBob.call('approval.show', other)).rejects.toMatchObject({ code: 'MATTER_UNKNOWN' });
});

test('what waits is listed without what is asked for, however long that is: it is opened for who looks at that very matter', async () => {
  const { looked, wrap } = watched();
  const { servers, callers } = await network.openMany(2, { wrap });
  const { keyId, signer } = await makeKey(callers, { policy: askingTerms(BY_DOMAIN) });
  const asks = Array.from({ length: 6 }, (_, at) => ({
    requestId: new Uint8Array(32).fill(at + 1),
    kind: 'message',
    payload: buildMessageRequest({ domain: 'asked', bytes: new Uint8Array(200_000).fill(97) }),
  }));
  for (const ask of asks) await signer.request(1, ask, { requester: requesterOf({ ...ask, keyId }) });
  const asBob = servers[0]!.asAnybody(bob);
  looked.matterBytes = 0;
  const { matters } = await asBob.call('approval.list', { after: null });
  expect(matters.map(({ matterId }) => matterId)).toEqual(asks.map(({ requestId }) => requestId));
  expect(looked.payloads).toBe(0);
  expect(looked.matterBytes).toBeLessThan(6 * 6_144);
  const named = { matter: 'request', matterId: asks[3]!.requestId, keyId, known: null } as const;
  expect((await asBob.call('approval.show', named)).payload).toEqual(asks[3]!.payload);
  expect(looked.payloads).toBe(1);
});
