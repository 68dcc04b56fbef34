import type { KeyPolicy, RequestReply } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { afterEach, describe, expect, test } from 'vitest';
import { person, random } from '../test/rooms.js';
import { filesOf } from '../test/stored-secrets.js';
import type { TestServer, TestServerOptions } from '../test/test-server.js';
import type { Operator } from './connect-operator.js';
import { alice, makeKeyOf, messageOf, startWithKey } from './test/keyed-servers.js';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

const makeKey = (policy: Partial<KeyPolicy> = {}, options: TestServerOptions = {}) =>
  startWithKey(servers, policy, options);

async function lastDeed(operator: Operator) {
  const { open } = await operator.status();
  const [line] = await operator.audit({ from: open!.auditEntries });
  return line;
}

describe('requests that wait for the operator', () => {
  test('are listed with the sentence people read, and approved by the first digits of their id', async () => {
    const { operator, signer, keyId } = await makeKey({ approval: 'operator' });
    const requestId = random(32);
    const waiting = await signer.request(1, { ...messageOf('hello'), requestId }, {});
    expect(waiting.state).toBe('waiting');
    const [listed, ...others] = (await operator.requests()).requests;
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ kind: 'message', sentence: waiting.sentence, keyId: encodeHex(keyId) });
    expect((await operator.status()).open?.waitingRequests).toBe(1);
    await operator.approve({ requestId: listed!.requestId.slice(0, 8) });
    expect(await operator.requests()).toEqual({ requests: [], next: null });
    expect(await signer.request(1, { ...messageOf('hello'), requestId }, {})).toMatchObject({
      state: 'ready',
    });
    await expect(operator.approve({ requestId: listed!.requestId })).rejects.toMatchObject({
      code: 'REQUEST_NOT_WAITING',
      message: expect.stringMatching(/^this request was approved at 20\d\d-[-\d: ]+ UTC$/) as string,
    });
    await expect(operator.approve({ requestId: '00'.repeat(32) })).rejects.toMatchObject({
      code: 'OPERATOR_UNKNOWN_ID',
    });
  });

  test('say what became of them to whoever answers one that was decided: when, as whom and why', async () => {
    const { alpha, operator, signer } = await makeKey({ approval: 'operator' });
    const [rejected, takenBack, suspended] = [random(32), random(32), random(32)];
    for (const requestId of [rejected, takenBack, suspended])
      await signer.request(1, { ...messageOf('hello'), requestId }, {});
    await operator.reject({ requestId: encodeHex(rejected), reason: 'no ” · as alice', as: 'bob' });
    expect(await lastDeed(operator)).toMatchObject({ detail: '“no \\” · as alice” · as bob' });
    await alpha.as(alice).ask('request.cancel', { requestId: takenBack, reason: 'a typing error' });
    await operator.suspend({ xid: encodeHex(alice.xid) });
    const answered = (requestId: Uint8Array) =>
      operator.request({ requestId: encodeHex(requestId).slice(0, 8) });
    const notWaiting = (message: string) => ({
      code: 'REQUEST_NOT_WAITING',
      message: expect.stringMatching(message) as string,
    });
    await expect(answered(rejected)).rejects.toMatchObject(
      notWaiting('^this request was rejected at 20\\d\\d-[-\\d: ]+ UTC, as bob: “no \\\\” · as alice”$'),
    );
    await expect(answered(takenBack)).rejects.toMatchObject(notWaiting('taken back by its owner'));
    await expect(answered(suspended)).rejects.toMatchObject(
      notWaiting('account behind this request is suspended'),
    );
  });

  test('are rejected with a reason that reaches the requester and the log', async () => {
    const { operator, signer } = await makeKey({ approval: 'operator' });
    const requestId = random(32);
    await signer.request(1, { ...messageOf('hello'), requestId }, {});
    await operator.reject({ requestId: encodeHex(requestId), reason: 'not on a Sunday' });
    const reply: RequestReply = await signer.request(1, { ...messageOf('hello'), requestId }, {});
    expect(reply).toMatchObject({ state: 'rejected', reason: 'not on a Sunday', answer: null });
    expect(await lastDeed(operator)).toMatchObject({ verdict: 'rejected', subject: encodeHex(requestId) });
    expect(await operator.verifyAudit()).toMatchObject({ ok: true });
  });

  test('are answered under a name that the log keeps as said, and that nobody else is told', async () => {
    const { operator, signer } = await makeKey({ approval: 'operator' });
    const [first, second, third] = [random(32), random(32), random(32)];
    for (const requestId of [first, second, third])
      await signer.request(1, { ...messageOf('hello'), requestId }, {});
    await operator.approve({ requestId: encodeHex(first), as: 'alice' });
    expect(await lastDeed(operator)).toMatchObject({
      deed: 'operator.approve',
      who: null,
      detail: 'message · as alice',
    });
    await operator.reject({ requestId: encodeHex(second), reason: 'too much', as: 'bob' });
    expect(await lastDeed(operator)).toMatchObject({ detail: '“too much” · as bob' });
    const reply: RequestReply = await signer.request(1, { ...messageOf('hello'), requestId: second }, {});
    expect(reply).toMatchObject({ state: 'rejected', reason: 'too much' });
    await operator.rejectAll({ xid: encodeHex(alice.xid), reason: 'no more', as: 'bob' });
    expect(await lastDeed(operator)).toMatchObject({ detail: '“no more” · as bob' });
    for (const as of ['', 'a\u0007', 'x'.repeat(65)]) {
      const refused = operator.approve({ requestId: encodeHex(third), as });
      await expect(refused).rejects.toMatchObject({ errorClass: 'UsageError' });
    }
  });

  test('are answered with what was looked at, one by one or for a whole account', async () => {
    const { operator, signer } = await makeKey({ approval: 'operator' });
    for (const text of ['one', 'two', 'three']) await signer.request(1, messageOf(text), {});
    const [first, second] = (await operator.requests()).requests;
    expect(await operator.request({ requestId: first!.requestId })).toEqual(first);
    await expect(operator.approve({ ...second!, requestId: first!.requestId })).rejects.toMatchObject({
      code: 'REQUEST_NOT_AS_SEEN',
    });
    await operator.approve(first!);
    expect((await operator.requests(first)).requests).toHaveLength(2);
    expect(await operator.accounts()).toMatchObject({ accounts: [{ waiting: 2 }] });
    expect(await operator.rejectAll({ xid: encodeHex(alice.xid), reason: 'no more' })).toEqual({
      rejected: 2,
    });
    expect(await operator.requests()).toEqual({ requests: [], next: null });
    expect(await lastDeed(operator)).toMatchObject({ deed: 'operator.reject', detail: '“no more”' });
    await expect(operator.rejectAll({ xid: '00'.repeat(32), reason: 'who' })).rejects.toMatchObject({
      code: 'OPERATOR_UNKNOWN_ID',
    });
  });

  test('V70: and nobody who learns an id keeps its owner’s request away, or takes its place', async () => {
    const policy = { approval: 'operator' } as const;
    const { operator, signer } = await makeKey(policy);
    const mallory = person(2);
    const theirs = await makeKeyOf(servers, mallory, policy);
    const requestId = random(32);
    const [id, owner] = [encodeHex(requestId), encodeHex(alice.xid)];
    await theirs.signer.request(1, { ...messageOf('hello'), requestId }, {});
    await signer.request(1, { ...messageOf('hello'), requestId }, {});
    await expect(operator.request({ requestId: id })).rejects.toMatchObject({
      code: 'OPERATOR_AMBIGUOUS_ID',
      remedy: { kind: 'nameAccount' },
    });
    const seen = await operator.request({ requestId: id, owner });
    expect(seen).toMatchObject({ owner, requestId: id });
    expect(await operator.approve(seen)).toMatchObject({ owner });
    // Whoever names nothing but the id means what was there before, and is not believed to mean the other.
    const { keyId, tasksHash } = await operator.request({ requestId: id });
    await expect(operator.approve({ requestId: id, keyId, tasksHash })).rejects.toMatchObject({
      code: 'REQUEST_AMBIGUOUS',
    });
    expect(await operator.rejectAll({ xid: encodeHex(mallory.xid), reason: 'no' })).toEqual({ rejected: 1 });
  });

  test('expire while nobody answers', async () => {
    const { alpha, operator, signer } = await makeKey({ approval: 'operator' });
    const requestId = random(32);
    await signer.request(1, { ...messageOf('hello'), requestId }, {});
    alpha.now += 601;
    await alpha.sweep();
    expect(await operator.requests()).toEqual({ requests: [], next: null });
    await expect(operator.approve({ requestId: encodeHex(requestId) })).rejects.toMatchObject({
      code: 'REQUEST_NOT_WAITING',
      message: expect.stringMatching(/^this request expired at 20\d\d-/) as string,
    });
  });
});

describe('the policy of a key', () => {
  test('is tightened by the operator, shown beside the owner’s, and obeyed at once', async () => {
    const { operator, signer, keyId } = await makeKey();
    const name = encodeHex(keyId);
    expect(await operator.keyPolicy({ keyId: name })).toMatchObject({
      keyId: name,
      owner: encodeHex(alice.xid),
      purpose: 'message',
      state: 'active',
      owned: { kinds: ['message'], approval: 'automatic' },
      tightening: { kinds: null, approval: 'automatic' },
    });
    await signer.sign(messageOf('before'), [1, 2]);
    await operator.tightenKey({ keyId: name, approval: 'operator' });
    expect((await signer.request(1, messageOf('after'), {})).state).toBe('waiting');
    await operator.loosenKey({ keyId: name, approval: 'automatic' });
    await operator.tightenKey({ keyId: name, kinds: ['bitcoin'] });
    await expect(signer.request(1, messageOf('later'), {})).rejects.toMatchObject({ code: 'POLICY_KIND' });
    expect(await lastDeed(operator)).toMatchObject({
      verdict: 'refused',
      policy: expect.stringMatching(/operator 3$/),
    });
    expect((await operator.keyPolicy({ keyId: name })).tightening).toMatchObject({
      kinds: ['bitcoin'],
      rateLimit: null,
    });
  });

  test('is written down with its new values, by which every later verdict can be read', async () => {
    const { operator, keyId } = await makeKey();
    const name = encodeHex(keyId);
    await operator.tightenKey({
      keyId: name,
      kinds: ['message', 'git'],
      rateLimit: { count: 5, perSeconds: 60 },
    });
    expect(await lastDeed(operator)).toMatchObject({
      deed: 'operator.tighten',
      policy: 'operator 1',
      detail: 'kinds message, git; rate 5 in 1 min; until always; blind yes; approval automatic',
    });
    await operator.tightenKey({ keyId: name, kinds: ['git'], expiresAt: 1_900_000_000, blindAllowed: false });
    expect(await lastDeed(operator)).toMatchObject({
      policy: 'operator 2',
      detail: 'kinds git; rate 5 in 1 min; until 2030-03-17 17:46:40 UTC; blind no; approval automatic',
    });
  });

  test('is not tightened to a kind that does not exist', async () => {
    const { operator, keyId } = await makeKey();
    const typo = operator.tightenKey({ keyId: encodeHex(keyId), kinds: ['message', 'typo' as 'git'] });
    await expect(typo).rejects.toMatchObject({
      code: 'OPERATOR_INPUT_INVALID',
      message: expect.stringContaining('message, bitcoin, ssh, git') as string,
    });
    expect((await operator.keyPolicy({ keyId: encodeHex(keyId) })).tightening.kinds).toBeNull();
  });

  test('of the whole server is shown with it, and named where it decided', async () => {
    const settings = { policy: { approval: 'operator' as const, blindAllowed: false } };
    const { operator, signer, keyId } = await makeKey({}, { settings });
    const { server, tightening } = await operator.keyPolicy({ keyId: encodeHex(keyId) });
    expect(server).toMatchObject({ kinds: null, rateLimit: null, blindAllowed: false, approval: 'operator' });
    expect(tightening.approval).toBe('automatic');
    expect((await signer.request(1, messageOf('hello'), {})).state).toBe('waiting');
    expect(await lastDeed(operator)).toMatchObject({
      verdict: 'asked',
      policy: expect.stringMatching(new RegExp(`^policy [0-9a-f]{8} server ${server.name}$`)) as string,
    });
    const [start] = await operator.audit({ limit: 1 });
    expect(start!.detail).toContain(
      `policy ${server.name}: kinds all; rate any; until always; blind no; approval operator`,
    );
  });

  test('cannot be loosened: what the owner did not allow stays refused', async () => {
    const { operator, signer, keyId } = await makeKey({ rateLimit: { count: 1, perSeconds: 600 } });
    await signer.sign(messageOf('one'), [1, 2]);
    await operator.tightenKey({ keyId: encodeHex(keyId), rateLimit: { count: 1_000, perSeconds: 1 } });
    await expect(signer.request(1, messageOf('two'), {})).rejects.toMatchObject({
      code: 'POLICY_RATE',
      httpStatus: 429,
    });
  });
});

describe('V65: what a server draws to make a key and to sign with it', () => {
  test('is neither in its log nor readable in any of its files', async () => {
    const drawn: Buffer[] = [];
    const fillRandom = (bytes: Uint8Array) => {
      bytes.set(random(bytes.length));
      // Shorter draws are nonces of ciphers and salts, which are public.
      if (bytes.length >= 32) drawn.push(Buffer.from(bytes));
    };
    const { alpha, signer, operator } = await makeKey({}, { start: { fillRandom } });
    await signer.sign(messageOf('canary'), [1, 2]);
    const lines = JSON.stringify(await operator.audit({ limit: 1_000 }));
    await alpha.server.close();
    const files = filesOf(alpha.dataDir).map(([, content]) => content);
    expect(drawn.length).toBeGreaterThan(8);
    for (const bytes of drawn) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        expect(alpha.log().toLowerCase()).not.toContain(bytes.toString(encoding).toLowerCase());
        expect(lines).not.toContain(bytes.toString(encoding));
      }
      for (const file of files) expect(file.includes(bytes)).toBe(false);
    }
  });
});
