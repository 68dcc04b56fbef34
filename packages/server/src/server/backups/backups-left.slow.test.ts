import { encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { connectOperator } from '../../control/connect-operator.js';
import { startTestServer, type TestServer } from '../../test/test-server.js';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

test('a server counts the backups that its operator has not said to be destroyed, those without keys of epochs apart', async () => {
  const alpha = await startTestServer();
  servers.push(alpha);
  const operator = connectOperator(alpha.dataDir);
  const left = async () => (await operator.status()).open!.backupsLeft;
  expect(await left()).toBe(0);
  const take = async (pieces: Promise<AsyncIterable<Uint8Array>>) => {
    for await (const _piece of await pieces);
    alpha.now += 60;
  };
  const words = () => secret(encodeUtf8('correct horse battery staple'));
  await take(operator.backup(words()));
  await take(operator.backup(words()));
  await take(operator.backupWithoutEpochKeys(words()));
  await alpha.restart();
  expect(await left()).toBe(2);
  expect(await operator.metrics()).toMatch(/^ckm_backups_left 2$/m);
  await operator.noteDestroyedBackups({ before: alpha.now - 120 });
  expect(await left()).toBe(1);
  // Of what is not made yet nobody can say it.
  await operator.noteDestroyedBackups({ before: alpha.now + 86_400 });
  expect(await left()).toBe(0);
  alpha.now += 60;
  await take(operator.backup(words()));
  expect(await left()).toBe(1);
  const said = (await operator.audit()).filter(({ deed }) => deed === 'operator.backup.destroyed');
  expect(said).toHaveLength(2);
});
