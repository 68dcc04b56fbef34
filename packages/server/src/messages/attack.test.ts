import { afterEach, describe, expect, test } from 'vitest';
import { person } from '../test/rooms.js';
import { startTestServer, type TestServer, type TestServerOptions } from '../test/test-server.js';

const alice = person(1);
const servers: TestServer[] = [];
async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

describe('V70: a courier who repeats what he recorded', () => {
  test('uses up none of the messages that its sender may send', async () => {
    const alpha = await start({ settings: { quota: { requestsPerMinute: 20 } } });
    const client = await alpha.as(alice).join();
    const recorded = client.seal('server.describe', {});
    await client.post(recorded);
    for (let i = 0; i < 30; i++) {
      const answer = await client.post(recorded);
      expect(() => client.read('server.describe', answer)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
      );
    }
    expect((await client.ask('server.describe', {})).name).toBe('alpha');
  });
});
