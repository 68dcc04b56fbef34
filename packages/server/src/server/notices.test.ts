import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { messageOf, startWithKey } from '../control/test/keyed-servers.js';
import { createEchoRoom } from '../sessions/test/echo-room.js';
import { NOON, person, random } from '../test/rooms.js';
import { startTestServer, type TestServer } from '../test/test-server.js';

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

test('a ceremony that waits runs the operator’s command too, and counts among what waits', async () => {
  const command = ['/bin/sh', '-c', 'cat > "$1/ceremony"', 'notice', folder];
  const server = await startTestServer({
    settings: { notify: { command } },
    start: { rooms: () => [createEchoRoom()] },
  });
  servers.push(server);
  const caller = await server.as(person(0xa1)).join();
  const proposal = { kind: 'echo', keyId: random(32), text: 'hello', length: 8 };
  await caller.ask('session.propose', { sessionId: random(32), proposal, expiresAt: NOON + 600 });
  const told = () => JSON.parse(readFileSync(join(folder, 'ceremony'), 'utf8')) as unknown;
  await expect
    .poll(told, { timeout: 5_000 })
    .toMatchObject({ event: 'waiting', waiting: 1, others: 0, sentence: 'Echo hello.' });
});

test('a notice that did not go is there after a restart, and its operator can have it sent again', async () => {
  const server = await startTestServer({
    settings: { notify: { webhook: { url: 'http://127.0.0.1:1/secret-path' } } },
    start: { rooms: () => [createEchoRoom()] },
  });
  servers.push(server);
  const caller = await server.as(person(0xa1)).join();
  const proposal = { kind: 'echo', keyId: random(32), text: 'hello', length: 8 };
  await caller.ask('session.propose', { sessionId: random(32), proposal, expiresAt: NOON + 600 });
  const entries = async () => {
    const { entries: all } = await connectOperator(server.dataDir).outbox();
    return all.map(({ way, state, tries, code }) => ({ way, state, tries, code }));
  };
  const failed = { way: 'webhook', state: 'waiting', tries: 1, code: 'NOTICE_WEBHOOK_UNREACHABLE' };
  await expect.poll(entries, { timeout: 8_000 }).toEqual([failed]);
  await server.restart();
  expect(await entries()).toEqual([failed]);
  expect(await connectOperator(server.dataDir).retryOutbox()).toEqual({ retried: 1 });
  const audit = await connectOperator(server.dataDir).audit();
  expect(JSON.stringify(audit)).not.toContain('secret-path');
});
