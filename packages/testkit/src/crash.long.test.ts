// @module-tag long
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { type FrostAttempt, type RequestReply, sharesIn } from '@ckm/api';
import { encodeUtf8, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { connectOperator } from '@ckm/server';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesOf, leaks, spellings, storedSecrets } from '@ckm/server/test';
import type { Callee } from './callee.js';
import { createCeremony } from './courier.js';
import type { OnMessage } from './http-callee.js';
import { createQuorumSigner } from './quorum-signer.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const alice = createIdentity(secret(new Uint8Array(32).fill(0xa1)));
const SOON = Math.floor(Date.now() / 1000) + 3600;
const NAMES = ['alpha', 'bravo', 'charlie'];
const message = (text: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'crash', bytes: encodeUtf8(text) }),
});

describe.skipIf(!canSpawnServers)(
  'servers in processes of their own (skipped when not compiled: npm run build)',
  () => {
    // One trio for all: what a test leaves behind, the next one must live with.
    const servers: ServerProcess[] = [];
    // Of all lives of all servers: what was secret in their databases whenever they were dead, all bytes that went over
    // the wire, and all that a client read out of its replies.
    const secrets = new Map<string, Uint8Array>();
    const wire: Uint8Array[] = [];
    const read: Uint8Array[] = [];
    const keys: Uint8Array[] = [];
    beforeAll(async () => {
      servers.push(...(await Promise.all(NAMES.map((name) => spawnServer({ name })))));
    });
    afterAll(async () => {
      for (const server of servers) await server.remove();
    });

    async function asAlice(onMessage?: OnMessage): Promise<Callee[]> {
      const listening: OnMessage = (bytes) => {
        wire.push(bytes);
        onMessage?.(bytes);
      };
      const callers = await Promise.all(servers.map((server) => server.as(alice, listening)));
      return callers.map(({ name, call }) => ({
        name,
        call: async (called, parameters) => {
          const result = await call(called, parameters);
          read.push(new Uint8Array(serialize(result)));
          return result;
        },
      }));
    }

    /** After a death, of whatever kind: what it left on the disk. */
    function autopsy(server: ServerProcess): void {
      for (const [what, bytes] of storedSecrets(server.dataDir)) secrets.set(what, bytes);
    }

    async function kill(server: ServerProcess): Promise<void> {
      await server.kill();
      autopsy(server);
    }

    async function died(server: ServerProcess): Promise<void> {
      await server.gone();
      autopsy(server);
    }

    async function signerOf(callers: readonly Callee[], keyId: Uint8Array) {
      keys.push(keyId);
      const { certificate } = await callers[0]!.call('key.show', { keyId });
      const key = verifyCertificate(parseCertificate(certificate!)).public;
      return createQuorumSigner({ servers: callers, keyId, key, purpose: 'message', expiresAt: SOON });
    }

    test('kill -9 of a server between every two steps of making a key: it resumes, and the key works', async () => {
      const callers = await asAlice();
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
      for (let i = 0; (await ceremony.next()) !== null; i++) {
        const victim = servers[i % 3]!;
        await kill(victim);
        await victim.start();
      }
      expect(ceremony.views.map((view) => view?.state)).toEqual(['finished', 'finished', 'finished']);
      const signer = await signerOf(callers, ceremony.keyId);
      expect((await signer.sign(message('after all that'), [1, 3])).length).toBe(64);
    }, 120_000);

    for (const when of ['before', 'after'] as const) {
      test(`death ${when} each commit of making a key: the courier starts over with its ids, and the key works`, async () => {
        const callers = await asAlice();
        const [, , charlie] = servers;
        for (let commit = 1; commit <= 4; commit++) {
          await kill(charlie!);
          await charlie!.start({ when, step: 'commit', nth: commit });
          const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
          await expect(ceremony.finish()).rejects.toThrow('fetch failed');
          await died(charlie!);
          await charlie!.start();
          const { keyId, sessionId } = ceremony;
          const resumed = createCeremony({ servers: callers, expiresAt: SOON, keyId, sessionId });
          expect((await resumed.finish()).map(({ state }) => state)).toEqual([
            'finished',
            'finished',
            'finished',
          ]);
          expect((await (await signerOf(callers, keyId)).sign(message('still'), [2, 3])).length).toBe(64);
        }
      }, 120_000);
    }

    test('V34: kill -9 between every two steps of signing: what was published is void, what was released is the same', async () => {
      const callers = await asAlice();
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
      await ceremony.finish();
      const signer = await signerOf(callers, ceremony.keyId);
      const [alpha] = servers;
      const ask = { ...message('hello'), requestId: new Uint8Array(randomBytes(32)) };
      const restart = async () => {
        await kill(alpha!);
        await alpha!.start();
      };
      const published = await signer.prepare([1, 2]);
      await restart();
      expect((await signer.request(1, ask, { attempt: published })).state).toBe('stale');
      await restart();
      const attempt = await signer.prepare([1, 2], 1, 2);
      const first = await signer.request(1, ask, { attempt });
      expect(first.state).toBe('answered');
      await restart();
      expect(await signer.request(1, ask, { attempt })).toEqual(first);
      expect((await signer.request(1, message('another'), { attempt })).state).toBe('stale');
      const replies = [first, await signer.request(2, ask, { attempt })];
      expect(signer.combine(ask, attempt, replies).map(({ kind }) => kind)).toEqual(['signature']);
    }, 60_000);

    for (const when of ['before', 'after'] as const) {
      test(`V34: death ${when} the commit of a signature: one share at most, and a new attempt succeeds`, async () => {
        const callers = await asAlice();
        const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
        await ceremony.finish();
        const signer = await signerOf(callers, ceremony.keyId);
        const [alpha] = servers;
        await kill(alpha!);
        // The pool is asked for in a first message, the signature in a second.
        await alpha!.start({ when, step: 'commit', nth: 2 });
        const attempt = await signer.prepare([1, 2]);
        const ask = { ...message('hello'), requestId: new Uint8Array(randomBytes(32)) };
        await expect(signer.request(1, ask, { attempt })).rejects.toThrow('fetch failed');
        await died(alpha!);
        await alpha!.start();
        const again = await signer.request(1, ask, { attempt });
        expect(again.state).toBe(when === 'before' ? 'stale' : 'answered');
        expect((await signer.request(1, message('another'), { attempt })).state).toBe('stale');
        const next = await signer.prepare([1, 2], 1, 2);
        const replies = await Promise.all([1, 2].map((slot) => signer.request(slot, ask, { attempt: next })));
        expect(signer.combine(ask, next, replies).map(({ kind }) => kind)).toEqual(['signature']);
      }, 60_000);
    }

    test('kill -9 between waiting, the operator’s yes and the share: the yes is kept, and one share given for it', async () => {
      const callers = await asAlice();
      const policy = { approval: 'operator' as const };
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON, policy });
      await ceremony.finish();
      const signer = await signerOf(callers, ceremony.keyId);
      const [alpha] = servers;
      const operator = () => connectOperator(alpha!.dataDir);
      const waiting = async () => (await operator().requests()).requests.map(({ requestId }) => requestId);
      const restart = async () => {
        await kill(alpha!);
        await alpha!.start();
      };
      const ask = { ...message('ask first'), requestId: new Uint8Array(randomBytes(32)) };
      const id = Buffer.from(ask.requestId).toString('hex');
      const early = await signer.prepare([1, 2]);
      expect((await signer.request(1, ask, { attempt: early })).state).toBe('waiting');
      await restart();
      expect(await waiting()).toContain(id);
      expect((await signer.request(1, ask, {})).state).toBe('waiting');
      await operator().approve({ requestId: id });
      await restart();
      expect(await waiting()).not.toContain(id);
      const attempt = await signer.prepare([1, 2]);
      const first = await signer.request(1, ask, { attempt });
      expect([first.state, sharesIn(first).length]).toEqual(['answered', 1]);
      await restart();
      expect(await signer.request(1, ask, { attempt })).toEqual(first);
      // The yes was for this request and no other, and its commitment is gone.
      expect((await signer.request(1, message('ask first'), { attempt })).state).toBe('waiting');
      const deeds = (await operator().audit()).filter(({ subject }) => subject === id);
      expect(deeds.map(({ deed, verdict }) => [deed, verdict])).toEqual([
        ['request.ask', 'asked'],
        ['operator.approve', 'approved'],
        ['request.attempt', 'allowed'],
      ]);
    }, 60_000);

    test('V36: an old database under the same server: nothing it had published or signed with is good any more', async () => {
      const callers = await asAlice();
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
      await ceremony.finish();
      const signer = await signerOf(callers, ceremony.keyId);
      const [alpha] = servers;
      await kill(alpha!);
      const backup = mkdtempSync(join(tmpdir(), 'ckm-backup-'));
      cpSync(alpha!.dataDir, backup, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      await alpha!.start();
      const attempt = await signer.prepare([1, 2]);
      const ask = { ...message('hello'), requestId: new Uint8Array(randomBytes(32)) };
      expect((await signer.request(1, ask, { attempt })).state).toBe('answered');
      await kill(alpha!);
      for (const file of ['ckm.sqlite', 'ckm.sqlite-wal', 'ckm.sqlite-shm'])
        rmSync(join(alpha!.dataDir, file), { force: true });
      cpSync(backup, alpha!.dataDir, { recursive: true });
      await alpha!.start();
      const replies: RequestReply[] = [];
      for (const text of ['hello', 'another'])
        replies.push(await signer.request(1, message(text), { attempt }));
      replies.push(await signer.request(1, ask, { attempt }));
      expect(replies.map((reply) => [reply.state, sharesIn(reply).length])).toEqual([
        ['stale', 0],
        ['stale', 0],
        ['stale', 0],
      ]);
      rmSync(backup, { recursive: true, force: true });
    }, 60_000);

    test('V24, V65: ids, messages and packets can be read by nobody, on the wire or in the logs', async () => {
      const captured: Uint8Array[] = [];
      const callers = await asAlice((bytes) => captured.push(bytes));
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
      await ceremony.finish();
      const signer = await signerOf(callers, ceremony.keyId);
      const attempt: FrostAttempt = await signer.prepare([1, 2]);
      const replies = await signer.attempt(message('canary-4f1c'), attempt);
      const shares = replies.flatMap(sharesIn);
      const onTheWire = Buffer.concat(captured);
      const logged = Buffer.from(servers.map((server) => server.output()).join('\n'));
      expect(captured.length).toBeGreaterThan(20);
      const ids = [ceremony.keyId, ceremony.sessionId, alice.xid, ...shares];
      for (const text of ['canary-4f1c', 'session.propose', 'request.ask', ...ids])
        expect(onTheWire.includes(Buffer.from(text as string))).toBe(false);
      const unlogged = [ceremony.keyId, alice.xid, ...shares, ...ceremony.packets];
      for (const text of ['canary-4f1c', ...unlogged.flatMap(spellings)])
        expect(logged.includes(text)).toBe(false);
      expect(logged.toString()).toMatch(/shares/);
    }, 60_000);

    test('V65: after all these deaths no share, and nothing it was made from, stands in any log, message, reply or file', async () => {
      for (const server of servers) await kill(server);
      const kinds = [...secrets.keys()].map((what) => what.split(/ (?=[0-9a-f]+$)/)[0]!);
      const everyKind = ['hedge', 'root', 'share', 'static point', 'static secret', 'static seed'];
      expect(kinds).toEqual(expect.arrayContaining(everyKind));
      expect(keys.length).toBeGreaterThan(0);
      expect(kinds.filter((kind) => kind === 'share').length).toBe(servers.length * keys.length);
      const places = servers.flatMap(({ name, dataDir, output }): [string, Uint8Array][] => [
        [`the output of ${name}`, Buffer.from(output())],
        ...filesOf(dataDir).map(([file, bytes]): [string, Uint8Array] => [`${file} of ${name}`, bytes]),
      ]);
      places.push(['a message', Buffer.concat(wire)], ['a reply', Buffer.concat(read)]);
      expect(places.map(([where]) => where)).toEqual(expect.arrayContaining(['ckm.sqlite of alpha']));
      expect(leaks(secrets, places)).toEqual([]);
      // The search finds what is there.
      const [what, bytes] = [...secrets].find(([kind]) => kind.startsWith('share'))!;
      const planted = `{"share":"${Buffer.from(bytes).toString('base64')}"}`;
      expect(leaks(new Map([[what, bytes]]), [['a log', Buffer.from(planted)]])).toEqual(['share in a log']);
    }, 60_000);
  },
);
