import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPolicy, SigningReply } from '@ckm/api';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';
import { type Callee, createCeremony, createQuorumSigner } from '@ckm/testkit';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { person, random } from '../test/rooms.js';
import { startTestServer, type TestServer, type TestServerOptions } from '../test/test-server.js';
import { connectOperator, type Operator } from './connect-operator.js';

const alice = person(1);
const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

/** Two servers and a key of both. */
async function makeKey(policy: Partial<KeyPolicy> = {}, options: TestServerOptions = {}) {
  for (const name of ['alpha', 'bravo']) {
    servers.push(await startTestServer({ ...options, settings: { ...options.settings, name } }));
  }
  return keyOf(alice, policy);
}

/** A key of somebody on the two servers that run. */
async function keyOf(owner: typeof alice, policy: Partial<KeyPolicy>) {
  const callees: Callee[] = [];
  for (const server of servers) {
    const client = await server.as(owner).join();
    const name = callees.length === 0 ? 'alpha' : 'bravo';
    callees.push({ name, call: (called, parameters) => client.ask(called, parameters) });
  }
  const [alpha] = servers as [TestServer];
  const expiresAt = alpha.now + 600;
  const ceremony = createCeremony({ servers: callees, needed: 2, purpose: 'message', policy, expiresAt });
  const views = await ceremony.finish();
  expect(views.map(({ state }) => state)).toEqual(['finished', 'finished']);
  const { keyId } = ceremony;
  const { certificate } = await callees[0]!.call('key.show', { keyId });
  const key = verifyCertificate(parseCertificate(certificate!));
  const signer = createQuorumSigner({ servers: callees, keyId, key, purpose: 'message', expiresAt });
  return { alpha, operator: connectOperator(alpha.dataDir), keyId, signer };
}

const ask = (text: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'test', bytes: encodeUtf8(text) }),
});

async function lastDeed(operator: Operator) {
  const { open } = await operator.status();
  const [line] = await operator.audit({ from: open!.auditEntries });
  return line;
}

describe('requests that wait for the operator', () => {
  test('are listed with the sentence people read, and approved by the first digits of their id', async () => {
    const { operator, signer, keyId } = await makeKey({ approval: 'operator' });
    const requestId = random(32);
    const waiting = await signer.request(1, { ...ask('hello'), requestId }, {});
    expect(waiting.state).toBe('waiting');
    const [listed, ...others] = await operator.requests();
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ kind: 'message', sentence: waiting.sentence, keyId: encodeHex(keyId) });
    expect((await operator.status()).open?.waitingRequests).toBe(1);
    await operator.approve(listed!.requestId.slice(0, 8));
    expect(await operator.requests()).toEqual([]);
    expect(await signer.request(1, { ...ask('hello'), requestId }, {})).toMatchObject({ state: 'ready' });
    await expect(operator.approve(listed!.requestId)).rejects.toMatchObject({ code: 'OPERATOR_UNKNOWN_ID' });
  });

  test('are rejected with a reason that reaches the requester and the log', async () => {
    const { operator, signer } = await makeKey({ approval: 'operator' });
    const requestId = random(32);
    await signer.request(1, { ...ask('hello'), requestId }, {});
    await operator.reject(encodeHex(requestId), 'not on a Sunday');
    const reply: SigningReply = await signer.request(1, { ...ask('hello'), requestId }, {});
    expect(reply).toMatchObject({ state: 'rejected', reason: 'not on a Sunday', shares: [] });
    expect(await lastDeed(operator)).toMatchObject({ verdict: 'rejected', subject: encodeHex(requestId) });
    expect(await operator.verifyAudit()).toMatchObject({ ok: true });
  });

  test('are answered with what was looked at, one by one or for a whole account', async () => {
    const { operator, signer } = await makeKey({ approval: 'operator' });
    for (const text of ['one', 'two', 'three']) await signer.request(1, ask(text), {});
    const [first, second] = await operator.requests();
    expect(await operator.request(first!.requestId)).toEqual(first);
    await expect(operator.approve(first!.requestId, second)).rejects.toMatchObject({
      code: 'REQUEST_NOT_AS_SEEN',
    });
    await operator.approve(first!.requestId, first);
    expect(await operator.requests(first)).toHaveLength(2);
    expect(await operator.accounts()).toMatchObject([{ waiting: 2 }]);
    expect(await operator.rejectAll(encodeHex(alice.xid), 'no more')).toEqual({ rejected: 2 });
    expect(await operator.requests()).toEqual([]);
    expect(await lastDeed(operator)).toMatchObject({ deed: 'operator.reject', detail: 'no more' });
    await expect(operator.rejectAll('00'.repeat(32), 'who')).rejects.toMatchObject({
      code: 'OPERATOR_UNKNOWN_ID',
    });
  });

  test('V70: and nobody who learns an id keeps its owner’s request away, or takes its place', async () => {
    const policy = { approval: 'operator' } as const;
    const { operator, signer } = await makeKey(policy);
    const mallory = person(2);
    const theirs = await keyOf(mallory, policy);
    const requestId = random(32);
    const [id, owner] = [encodeHex(requestId), encodeHex(alice.xid)];
    await theirs.signer.request(1, { ...ask('hello'), requestId }, {});
    await signer.request(1, { ...ask('hello'), requestId }, {});
    await expect(operator.request(id)).rejects.toMatchObject({
      code: 'OPERATOR_AMBIGUOUS_ID',
      hint: expect.stringContaining('--account'),
    });
    const seen = await operator.request(id, owner);
    expect(seen).toMatchObject({ owner, requestId: id });
    expect(await operator.approve(id, seen)).toMatchObject({ owner });
    // Whoever names nothing but the id means what was there before, and is not believed to mean the other.
    const { keyId, tasksHash } = await operator.request(id);
    await expect(operator.approve(id, { keyId, tasksHash })).rejects.toMatchObject({
      code: 'REQUEST_AMBIGUOUS',
    });
    expect(await operator.rejectAll(encodeHex(mallory.xid), 'no')).toEqual({ rejected: 1 });
  });

  test('expire while nobody answers', async () => {
    const { alpha, operator, signer } = await makeKey({ approval: 'operator' });
    const requestId = random(32);
    await signer.request(1, { ...ask('hello'), requestId }, {});
    alpha.now += 601;
    await alpha.sweep();
    expect(await operator.requests()).toEqual([]);
    await expect(operator.approve(encodeHex(requestId))).rejects.toMatchObject({
      code: 'OPERATOR_UNKNOWN_ID',
    });
  });
});

describe('the policy of a key', () => {
  test('is tightened by the operator, shown beside the owner’s, and obeyed at once', async () => {
    const { operator, signer, keyId } = await makeKey();
    const name = encodeHex(keyId);
    expect(await operator.keyPolicy(name)).toMatchObject({
      keyId: name,
      owner: encodeHex(alice.xid),
      purpose: 'message',
      state: 'active',
      owned: { kinds: ['message'], approval: 'automatic' },
      tightening: { kinds: null, approval: 'automatic' },
    });
    await signer.sign(ask('before'), [1, 2]);
    await operator.tightenKey(name, { approval: 'operator' });
    expect((await signer.request(1, ask('after'), {})).state).toBe('waiting');
    await operator.tightenKey(name, { approval: 'automatic', kinds: ['bitcoin'] });
    await expect(signer.request(1, ask('later'), {})).rejects.toMatchObject({ code: 'POLICY_KIND' });
    expect(await lastDeed(operator)).toMatchObject({
      verdict: 'refused',
      policy: expect.stringMatching(/tightened 2$/),
    });
    expect((await operator.keyPolicy(name)).tightening).toMatchObject({
      kinds: ['bitcoin'],
      rateLimit: null,
    });
  });

  test('is written down with its new values, by which every later verdict can be read', async () => {
    const { operator, keyId } = await makeKey();
    const name = encodeHex(keyId);
    await operator.tightenKey(name, { kinds: ['message', 'git'], rateLimit: { count: 5, perSeconds: 60 } });
    expect(await lastDeed(operator)).toMatchObject({
      deed: 'operator.tighten',
      policy: 'tightened 1',
      detail: 'kinds message, git; rate 5 in 60 s; until always; blind yes; approval automatic',
    });
    await operator.tightenKey(name, { kinds: null, expiresAt: 1_900_000_000, blindAllowed: false });
    expect(await lastDeed(operator)).toMatchObject({
      policy: 'tightened 2',
      detail: 'kinds all; rate 5 in 60 s; until 2030-03-17T17:46:40.000Z; blind no; approval automatic',
    });
  });

  test('is not tightened to a kind that does not exist', async () => {
    const { operator, keyId } = await makeKey();
    const typo = operator.tightenKey(encodeHex(keyId), { kinds: ['message', 'typo' as 'git'] });
    await expect(typo).rejects.toMatchObject({
      code: 'OPERATOR_INPUT_INVALID',
      message: expect.stringContaining('message, bitcoin, ssh, git') as string,
    });
    expect((await operator.keyPolicy(encodeHex(keyId))).tightening.kinds).toBeNull();
  });

  test('of the whole server is shown with it, and named where it decided', async () => {
    const settings = { policy: { approval: 'operator' as const, blindAllowed: false } };
    const { operator, signer, keyId } = await makeKey({}, { settings });
    const { server, tightening } = await operator.keyPolicy(encodeHex(keyId));
    expect(server).toMatchObject({ kinds: null, rateLimit: null, blindAllowed: false, approval: 'operator' });
    expect(tightening.approval).toBe('automatic');
    expect((await signer.request(1, ask('hello'), {})).state).toBe('waiting');
    expect(await lastDeed(operator)).toMatchObject({
      verdict: 'asked',
      policy: expect.stringMatching(new RegExp(`^owner [0-9a-f]{8} server ${server.name}$`)) as string,
    });
    const [start] = await operator.audit({ limit: 1 });
    expect(start!.detail).toContain(
      `policy ${server.name}: kinds all; rate any; until always; blind no; approval operator`,
    );
  });

  test('cannot be loosened: what the owner did not allow stays refused', async () => {
    const { operator, signer, keyId } = await makeKey({ rateLimit: { count: 1, perSeconds: 600 } });
    await signer.sign(ask('one'), [1, 2]);
    await operator.tightenKey(encodeHex(keyId), { rateLimit: { count: 1_000, perSeconds: 1 } });
    await expect(signer.request(1, ask('two'), {})).rejects.toMatchObject({
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
    await signer.sign(ask('canary'), [1, 2]);
    const lines = JSON.stringify(await operator.audit({ limit: 1_000 }));
    await alpha.server.close();
    const files = readdirSync(alpha.dataDir).map((name) => readFileSync(join(alpha.dataDir, name)));
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
