import { afterEach, expect, test } from 'vitest';
import { random } from '../test/rooms.js';
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

test('a removal does not grow with what the device was let in for: that ends when somebody asks for it, also once the device is back', async () => {
  for (const name of ['alpha', 'bravo']) servers.push(await startTestServer({ settings: { name } }));
  const begun = await beginWithDevices(servers);
  const letIn = [random(32), random(32), random(32), random(32)];
  for (const requestId of letIn) {
    await begun.ask(begun.laptop, requestId);
    await begun.approve(requestId);
  }
  const before = await begun.auditEntries();
  await begun.removeLaptop();
  // The list, the ceremony and the request that waited.
  expect((await begun.auditEntries()) - before).toBe(3);
  expect((await begun.ask(begun.phone, letIn[0]!)).state).toBe('cancelled');
  servers[0]!.now += 1;
  await begun.bringLaptopBack();
  for (const client of [begun.laptop, begun.words]) {
    expect((await begun.ask(client, letIn[1]!)).state).toBe('cancelled');
  }
  const anew = random(32);
  await begun.ask(begun.laptop, anew);
  await begun.approve(anew);
  expect((await begun.ask(begun.phone, anew)).state).toBe('ready');
});
