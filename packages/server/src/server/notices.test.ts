import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { messageOf, startWithKey } from '../control/test/keyed-servers.js';
import type { TestServer } from '../test/test-server.js';

const servers: TestServer[] = [];
const folder = mkdtempSync(join(tmpdir(), 'ckm-told-'));

afterAll(async () => {
  for (const server of servers) await server.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a request that waits runs the operator’s command, and is answered without waiting for its end', async () => {
  const command = ['/bin/sh', '-c', 'cat > "$1/told"; sleep 5', 'notice', folder];
  const settings = { notify: { command } };
  const { signer } = await startWithKey(servers, { approval: 'operator' }, { settings });
  const begun = performance.now();
  expect((await signer.request(1, messageOf('told'), {})).state).toBe('waiting');
  expect(performance.now() - begun).toBeLessThan(4_000);
  const told = () => readFileSync(join(folder, 'told'), 'utf8');
  await expect
    .poll(() => JSON.parse(told()) as unknown, { timeout: 5_000 })
    .toMatchObject({ event: 'waiting', server: 'alpha', waiting: 1, others: 0 });
  expect(told()).toContain('told');
  // The end of the server ends what it has started.
  const closing = performance.now();
  await servers[0]!.server.close();
  expect(performance.now() - closing).toBeLessThan(4_000);
});
