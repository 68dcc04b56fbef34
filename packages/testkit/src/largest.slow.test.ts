import { randomBytes } from 'node:crypto';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCeremony } from './courier.js';
import { createQuorumSigner } from './quorum-signer.js';
import { canSpawnServers, spawnServer, type ServerProcess } from './server-process.js';

const alice = createIdentity(secret(new Uint8Array(32).fill(0xa1)));
const SOON = Math.floor(Date.now() / 1000) + 3600;
/** What docs/operating.md names as the longest payload of a request. */
const LONGEST = 1_048_576;
const DOMAIN = 'largest';

describe.skipIf(!canSpawnServers)(
  'the largest request there may be (skipped when not compiled: npm run build)',
  () => {
    const servers: ServerProcess[] = [];
    beforeAll(async () => {
      servers.push(...(await Promise.all(['alpha', 'bravo'].map((name) => spawnServer({ name })))));
    });
    afterAll(async () => {
      for (const server of servers) await server.remove();
    });

    test('is signed by servers with the settings they come with; a byte more is refused as too much', async () => {
      const callers = await Promise.all(servers.map((server) => server.as(alice)));
      const ceremony = createCeremony({ servers: callers, expiresAt: SOON });
      await ceremony.finish();
      const { keyId } = ceremony;
      const { certificate } = await callers[0]!.call('key.show', { keyId });
      const key = verifyCertificate(parseCertificate(certificate!)).public;
      const signer = createQuorumSigner({
        servers: callers,
        keyId,
        key,
        purpose: 'message',
        expiresAt: SOON,
      });
      const around = buildMessageRequest({ domain: DOMAIN, bytes: new Uint8Array(0) }).length;
      const bytes = new Uint8Array(randomBytes(LONGEST - around));
      const payload = buildMessageRequest({ domain: DOMAIN, bytes });
      expect(payload.length).toBe(LONGEST);
      expect((await signer.sign({ kind: 'message', payload }, [1, 2])).length).toBe(64);

      const longer = { requestId: new Uint8Array(32), keyId, kind: 'message', expiresAt: SOON };
      const ask = { ...longer, payload: new Uint8Array(LONGEST + 1), attempt: null, epoch: 0, wanted: null };
      await expect(callers[0]!.call('request.ask', ask)).rejects.toMatchObject({
        code: 'PARAMETERS_INVALID',
      });
    }, 60_000);
  },
);
