import { afterEach, describe, expect, test } from 'vitest';
import { buildMessageRequest } from '@ckm/requests';
import { parseCertificate, verifyCertificate } from '@ckm/threshold';
import { createCeremony, createQuorumSigner } from '@ckm/testkit';
import { LAB_TIME, labPerson, openLabServer, removeLabServer, type LabServer } from './test/lab.js';

const owner = labPerson(0xa1);
const open: LabServer[] = [];

async function labs(names: readonly string[]): Promise<LabServer[]> {
  const servers = await Promise.all(names.map((name) => openLabServer({ name })));
  open.push(...servers);
  return servers;
}

afterEach(async () => {
  for (const server of open.splice(0)) {
    await server.stop();
    removeLabServer(server);
  }
});

describe('making a key', () => {
  test('three servers make a key over a courier, and two of them sign with it', async () => {
    const servers = await Promise.all(
      (await labs(['alpha', 'bravo', 'charlie'])).map((server) => server.as(owner)),
    );
    const ceremony = createCeremony({ servers, expiresAt: LAB_TIME + 600 });
    const views = await ceremony.finish();
    expect(views.map(({ state, fault }) => [state, fault])).toEqual(servers.map(() => ['finished', null]));
    const { certificate } = await servers[0]!.call('key.show', { keyId: ceremony.keyId });
    const key = verifyCertificate(parseCertificate(certificate!));
    const signer = createQuorumSigner({
      servers,
      keyId: ceremony.keyId,
      key,
      purpose: 'message',
      expiresAt: LAB_TIME + 600,
    });
    const payload = buildMessageRequest({ domain: 'test', bytes: new TextEncoder().encode('hello') });
    const artefact = await signer.sign({ kind: 'message', payload }, [1, 3]);
    expect(artefact.length).toBe(64);
  });
});
