import type { KeyPolicy } from '@ckm/api';
import { createCeremony } from '@ckm/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareServers, makeKey, mallory, messageOf, SOON } from './test/bare-servers.js';
import { TEST_TIME } from './test/bare-server.js';

const network = createBareServers();
afterEach(() => network.close());

describe('a courier with two accounts', () => {
  test('who opens one session id twice gets no honest server convicted of saying two things', async () => {
    const { servers, callers } = await network.openMany(2);
    const others = await Promise.all(servers.map((server) => server.as(mallory)));
    const first = createCeremony({ servers: callers, expiresAt: SOON });
    const { keyId, sessionId } = first;
    const second = createCeremony({ servers: others, expiresAt: SOON, keyId, sessionId });
    // Both servers were proposed to and joined, in both sessions; bravo has spoken in each.
    for (let call = 0; call < 4; call++) {
      await first.next();
      await second.next();
    }
    const said = [first, second].map(({ views }) => views[1]!.outbox[0]!);
    const view = await others[0]!.call('session.deliver', { sessionId, packets: said, after: 0 });
    expect(view.fault).toBeNull();
    const { storage } = servers[0]!.context;
    const evidence = await storage.read((reader) => reader.evidence.list(mallory.xid, sessionId));
    expect(evidence).toEqual([]);
  });
});

describe('somebody with two accounts who lets the operator look at one request', () => {
  test('and puts another of the same id in its place gets no yes for that one', async () => {
    const policy = { approval: 'operator' } as const;
    const { servers, callers } = await network.openMany(2);
    const others = await Promise.all(servers.map((server) => server.as(mallory)));
    const harmless = await makeKey(callers, { policy });
    const wanted = await makeKey(others, { policy });
    const requestId = new Uint8Array(32).fill(7);
    await harmless.signer.request(1, { ...messageOf('happy birthday'), requestId }, {});
    const { desk } = servers[0]!.sessions;
    const [seen] = await desk.list();
    expect(seen!.sentence).toContain('happy birthday');
    await callers[0]!.call('request.cancel', { requestId, reason: 'changed my mind' });
    // What is signed is the same; whose key signs it is not.
    await wanted.signer.request(1, { ...messageOf('happy birthday'), requestId }, {});
    await expect(desk.approve(requestId, seen)).rejects.toMatchObject({ code: 'REQUEST_NOT_WAITING' });
    await expect(desk.approve(requestId)).rejects.toMatchObject({ code: 'REQUEST_AMBIGUOUS' });
  });

  test('and lets it be forgotten, to ask with another key under its id, gets no yes for that one', async () => {
    let now = TEST_TIME;
    const policy = { approval: 'operator' } as const;
    const { servers, callers } = await network.openMany(2, { now: () => now });
    const trifle = await makeKey(callers, { policy });
    const savings = await makeKey(callers, { policy });
    const requestId = new Uint8Array(32).fill(7);
    await trifle.signer.request(1, { ...messageOf('hello'), requestId }, {});
    const { desk, sweep } = servers[0]!.sessions;
    const [seen] = await desk.list();
    now = SOON + 1;
    await sweep();
    now += 86_400 + 60;
    await sweep();
    await savings.signer.request(1, { ...messageOf('hello'), requestId }, { expiresAt: now + 60 });
    await expect(desk.approve(requestId, seen)).rejects.toMatchObject({ code: 'REQUEST_NOT_AS_SEEN' });
  });
});

test.each(['key.certify', 'key.restore'] as const)(
  'V70: an account that shows large certificates to %s again and again is refused before they are checked',
  async (name) => {
    const { callers } = await network.openMany(1, { settings: { quota: { costPerMinute: 1_000 } } });
    const certificate = new Uint8Array(200_000);
    const show = () =>
      name === 'key.certify'
        ? callers[0]!.call(name, { keyId: new Uint8Array(32), certificate })
        : callers[0]!.call(name, { certificate, policy: POLICY });
    for (let shown = 0; shown < 2; shown++) {
      await expect(show()).rejects.not.toMatchObject({ code: 'QUOTA_COST' });
    }
    await expect(show()).rejects.toMatchObject({ code: 'QUOTA_COST' });
  },
);

const POLICY: KeyPolicy = {
  kinds: ['message'],
  rateLimit: null,
  expiresAt: null,
  blindAllowed: true,
  approval: 'automatic',
};
