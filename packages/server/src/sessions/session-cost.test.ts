import { afterEach, expect, test } from 'vitest';
import { createBareServers } from './test/bare-servers.js';

const network = createBareServers();
afterEach(() => network.close());

test('V70: a delivery is charged with the mathematics of the step it makes, before any of it is done', async () => {
  const { callers } = await network.openMany(2, { settings: { quota: { costPerMinute: 1_000 } } });
  const deliver = (count: number) =>
    callers[0]!.call('session.deliver', {
      sessionId: new Uint8Array(32).fill(1),
      packets: Array.from({ length: count }, () => new Uint8Array(32_768)),
      after: 0,
    });
  // 47 ms each.
  await expect(deliver(20)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
  await expect(deliver(2)).rejects.toMatchObject({ code: 'QUOTA_COST', retryable: true });
});

test('the votes of a settlement are charged before anything of them is looked at', async () => {
  const { callers } = await network.openMany(1, { settings: { quota: { costPerMinute: 1_000 } } });
  const end = (bytes: number) =>
    callers[0]!.call('fork.end', {
      keyId: new Uint8Array(32).fill(1),
      epoch: 0,
      certificates: [new Uint8Array(100), new Uint8Array(100)],
      promises: new Uint8Array(bytes),
      yields: new Uint8Array(64),
    });
  await expect(end(64)).rejects.not.toMatchObject({ code: 'QUOTA_COST' });
  // More than a second and a half of signatures.
  await expect(end(1 << 19)).rejects.toMatchObject({ code: 'QUOTA_COST' });
});
