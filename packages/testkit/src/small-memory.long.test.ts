// @module-tag long
import { randomBytes } from 'node:crypto';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCeremony } from './courier.js';
import { limitMemory } from './memory-group.js';
import { createQuorumSigner } from './quorum-signer.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const alice = createIdentity(secret(new Uint8Array(32).fill(0xa1)));
const MIB = 1_048_576;
const group = canSpawnServers ? limitMemory('ckm-small-memory', 160 * MIB) : null;

describe.skipIf(group === null)(
  'a server with 160 MiB (skipped when not compiled, or without control groups to write to)',
  () => {
    const servers: ServerProcess[] = [];
    beforeAll(async () => {
      const under = { under: group!.under };
      servers.push(await spawnServer({ name: 'alpha', ...under }), await spawnServer({ name: 'bravo' }));
    });
    afterAll(async () => {
      for (const server of servers) await server.remove();
      group!.remove();
    });

    test('answers sixteen requests of 900 KB that come at once, or refuses them in words, and goes on', async () => {
      const expiresAt = Math.floor(Date.now() / 1000) + 3600;
      const callers = await Promise.all(servers.map((server) => server.as(alice)));
      const ceremony = createCeremony({ servers: callers, expiresAt });
      await ceremony.finish();
      const { keyId } = ceremony;
      const { certificate } = await callers[0]!.call('key.show', { keyId });
      const key = verifyCertificate(parseCertificate(certificate!)).public;
      const signer = createQuorumSigner({ servers: callers, keyId, key, purpose: 'message', expiresAt });
      const asks = Array.from({ length: 16 }, () => {
        const payload = buildMessageRequest({ domain: 'small', bytes: new Uint8Array(randomBytes(900_000)) });
        return { kind: 'message', payload };
      });
      const outcomes = await Promise.all(
        asks.map((ask) =>
          signer.request(1, ask, {}).then(
            () => 'answered',
            (error: { code?: string; message: string }) => error.code ?? error.message,
          ),
        ),
      );
      // One that was killed answers nothing any more.
      const small = {
        kind: 'message',
        payload: buildMessageRequest({ domain: 'small', bytes: new Uint8Array(9) }),
      };
      expect((await signer.sign(small, [1, 2])).length).toBe(64);
      for (const outcome of outcomes)
        expect(outcome).toMatch(/^(answered|SERVER_BUSY|LONG_MESSAGES_REFUSED)$/);
    }, 60_000);
  },
);
