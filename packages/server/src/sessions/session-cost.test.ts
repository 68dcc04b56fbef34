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
