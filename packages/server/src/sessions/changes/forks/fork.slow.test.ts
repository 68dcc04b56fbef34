import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { carryChange, completeChange, preparing } from '@ckm/testkit';
import { encodeChangeCertificate, parseChangeCertificate } from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import type { BareServer } from '../../test/bare-server.js';
import { alice, createBareServers, makeKey, SOON } from '../../test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

/** Secrets of a server, so that there can be another life of it. */
const SECRETS = [1, 2, 3].map((number) => ({
  seed: new Uint8Array(32).fill(number),
  storageKey: new Uint8Array(32).fill(100 + number),
}));

test(
  'whoever is shown a second certificate of one epoch that holds answers nothing with the key, deletes nothing, and names who signed twice',
  { tags: ['slow'] },
  async () => {
    const names = ['alpha', 'bravo', 'charlie'];
    const servers: BareServer[] = [];
    for (const [i, secrets] of SECRETS.entries())
      servers.push(await network.open({ name: names[i]!, ...secrets }));
    const { keyId } = await makeKey(await Promise.all(servers.map((server) => server.as(alice))));
    // Copies of all three, which know nothing of what the others will say.
    const twins: BareServer[] = [];
    for (const [i, server] of servers.entries()) {
      servers[i] = await network.restart(server);
      const dataDir = mkdtempSync(join(tmpdir(), 'ckm-twin-'));
      await servers[i].stop();
      cpSync(servers[i].dataDir, dataDir, { recursive: true });
      servers[i] = await network.open({ name: names[i]!, dataDir: servers[i].dataDir, ...SECRETS[i]! });
      twins.push(await network.open({ name: names[i]!, dataDir, ...SECRETS[i]! }));
    }
    const [ours, theirs] = [
      await Promise.all(servers.map((server) => server.as(alice))),
      await Promise.all(twins.map((server) => server.as(alice))),
    ];
    const one = await carryChange({ servers: ours, keyId, expiresAt: SOON });
    const first = await completeChange(one);
    const committed = await one.commit(first);
    const certificate = await completeChange(await carryChange({ servers: theirs, keyId, expiresAt: SOON }));
    const [alpha] = ours;
    const { promises, yields } = parseChangeCertificate(first);
    const forged = encodeChangeCertificate({ ...parseChangeCertificate(certificate), promises, yields });
    await expect(alpha!.call('change.commit', { keyId, certificate: forged })).rejects.toThrow(
      code('CHANGE_NOT_DECIDED'),
    );
    await expect(alpha!.call('change.commit', { keyId, certificate })).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_FORKED', facts: { epoch: 1, slots: '1, 2, 3' } }),
    );
    await expect(alpha!.call('craft.prepare', { ...preparing(keyId, 1), epoch: 1 })).rejects.toThrow(
      code('KEY_FORKED'),
    );
    await expect(one.retire(committed)).rejects.toThrow(code('KEY_FORKED'));
    // The owner is told before he counts on it.
    expect((await alpha!.call('key.show', { keyId })).key.forked).toBe(1);
    const { storage } = servers[0]!.context;
    const shares = await storage.read((reader) => reader.shares.listAll(null, 10));
    expect(shares.map(({ epoch }) => epoch)).toEqual([0, 1]);
  },
);
