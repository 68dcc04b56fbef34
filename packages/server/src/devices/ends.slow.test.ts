import { afterEach, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../test/test-server.js';
import { beginWithDevices } from './test/removed-device.js';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

test('what a device has begun ends with it, in the same moment; what others have begun goes on, also after a restart', async () => {
  for (const name of ['alpha', 'bravo']) servers.push(await startTestServer({ settings: { name } }));
  const begun = await beginWithDevices(servers);
  expect(await begun.requests()).toEqual(['waiting', 'ready', 'waiting', 'waiting']);
  expect(await begun.sessions()).toEqual(['accepted', 'accepted', 'accepted']);
  await begun.removeLaptop();
  for (let life = 0; life < 2; life++) {
    expect(await begun.requests()).toEqual(['cancelled', 'cancelled', 'waiting', 'waiting']);
    expect(await begun.sessions()).toEqual(['cancelled', 'accepted', 'accepted']);
    await servers[0]!.restart();
  }
});
