// @module-tag long
import { randomBytes } from 'node:crypto';
import { type FrostAttempt, sharesIn } from '@ckm/api';
import { encodeUtf8, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Callee } from './callee.js';
import { createCeremony } from './courier.js';
import { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
import { createQuorumSigner, type QuorumSigner } from './quorum-signer.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const alice = createIdentity(secret(new Uint8Array(32).fill(0xa1)));
const SOON = Math.floor(Date.now() / 1000) + 3600;
const asking = (text: string) => ({
  kind: 'message',
  payload: buildMessageRequest({ domain: 'replicas', bytes: encodeUtf8(text) }),
  requestId: new Uint8Array(randomBytes(32)),
});

const missing = [
  ...(canSpawnServers ? [] : ['not compiled: npm run build']),
  ...(postgresPrograms() === null ? ['no initdb: set CKM_POSTGRES_BIN'] : []),
];

describe.skipIf(missing.length > 0)(
  `alpha, two processes on one PostgreSQL, and bravo${missing.length > 0 ? ` (skipped: ${missing.join(', ')})` : ''}`,
  () => {
    let cluster: PostgresCluster;
    let databaseUrl: string;
    let bravo: ServerProcess;
    const replicas: ServerProcess[] = [];
    /** Alice at each replica, and at bravo. */
    let at: Callee[];
    let keyId: Uint8Array;
    /** Who asks the first replica, or the second, and bravo. */
    let signers: QuorumSigner[];

    beforeAll(async () => {
      cluster = await startPostgres();
      databaseUrl = await cluster.createDatabase();
      const environment = { CKM_DATABASE_URL: databaseUrl };
      const one = await spawnServer({ name: 'alpha', environment });
      const two = await spawnServer({ name: 'alpha', environment, replicaOf: one.dataDir });
      replicas.push(one, two);
      bravo = await spawnServer({ name: 'bravo' });
      at = [];
      for (const server of [one, two, bravo]) at.push(await server.as(alice));
    }, 60_000);
    afterAll(async () => {
      for (const server of [...replicas, bravo]) await server.remove();
      await cluster.stop();
    });

    const restart = async (replica: number) => {
      await replicas[replica]!.kill();
      await replicas[replica]!.start();
    };

    test('kill -9 of the one that answered last, after every step of making a key: its twin goes on, and the key works', async () => {
      let turn = 0;
      const alpha: Callee = { name: 'alpha', call: (name, parameters) => at[turn]!.call(name, parameters) };
      const ceremony = createCeremony({ servers: [alpha, at[2]!], expiresAt: SOON });
      let back = Promise.resolve();
      let deaths = 0;
      for (let step = await ceremony.next(); step !== null; step = await ceremony.next()) {
        if (step.slot !== 1) continue;
        await back;
        await replicas[turn]!.kill();
        back = replicas[turn]!.start();
        turn = 1 - turn;
        deaths++;
      }
      await back;
      expect(deaths).toBeGreaterThan(3);
      expect(ceremony.views.map((view) => view?.state)).toEqual(['finished', 'finished']);
      ({ keyId } = ceremony);
      const shown = await Promise.all(at.map((caller) => caller.call('key.show', { keyId })));
      const certificates = shown.map(({ certificate }) => Buffer.from(certificate!).toString('hex'));
      expect(new Set(certificates).size).toBe(1);
      const key = verifyCertificate(parseCertificate(shown[0]!.certificate!)).public;
      signers = [0, 1].map((replica) =>
        createQuorumSigner({
          servers: [at[replica]!, at[2]!],
          keyId,
          key,
          purpose: 'message',
          expiresAt: SOON,
        }),
      );
      for (const signer of signers) expect((await signer.sign(asking('works'), [1, 2])).length).toBe(64);
    }, 60_000);

    test('V36: both asked at once with one commitment, for different messages: the one that made it signs, the other does not know it', async () => {
      for (let i = 0; i < 5; i++) {
        const attempt = await signers[i % 2]!.prepare([1, 2]);
        const replies = await Promise.all(
          signers.map((signer, replica) => signer.request(1, asking(`at ${replica}`), { attempt })),
        );
        const made = ['answered 1', 'stale 0'];
        expect(replies.map((reply) => `${reply.state} ${sharesIn(reply).length}`)).toEqual(
          i % 2 === 0 ? made : made.toReversed(),
        );
      }
    });

    test('V36: what was published by the one that was killed is stale at its twin and at itself, and the twin signs with its own', async () => {
      const attempt: FrostAttempt = await signers[0]!.prepare([1, 2]);
      await replicas[0]!.kill();
      expect((await signers[1]!.request(1, asking('at the twin'), { attempt })).state).toBe('stale');
      expect((await signers[1]!.sign(asking('its own'), [1, 2])).length).toBe(64);
      await replicas[0]!.start();
      expect((await signers[0]!.request(1, asking('in the next life'), { attempt })).state).toBe('stale');
    }, 30_000);

    test('V34: a share that was stored comes back the same from either of them, after both were killed', async () => {
      const attempt = await signers[0]!.prepare([1, 2]);
      const ask = asking('once');
      const first = await signers[0]!.request(1, ask, { attempt });
      expect(first.state).toBe('answered');
      await Promise.all([restart(0), restart(1)]);
      for (const signer of signers) {
        expect(await signer.request(1, ask, { attempt })).toEqual(first);
        expect((await signer.request(1, asking('another'), { attempt })).state).toBe('stale');
      }
      const replies = [first, await signers[1]!.request(2, ask, { attempt })];
      expect(signers[1]!.combine(ask, attempt, replies).map(({ kind }) => kind)).toEqual(['signature']);
    }, 30_000);
  },
);
