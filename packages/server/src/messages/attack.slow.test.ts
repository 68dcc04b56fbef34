import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
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

describe('V70: a neighbour at one address who sends as much rubbish as goes', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());
  const codeIn = ({ bytes }: { bytes: Uint8Array }) =>
    (JSON.parse(new TextDecoder().decode(bytes)) as { code: string }).code;
  const byRoute = (digit: string) => ({ 'ckm-route': digit.repeat(32) });

  test(
    'is opened for eight messages a minute; an owner beside him is heard, after a short message with long ones too',
    { tags: 'slow' },
    async () => {
      const alpha = await start();
      const client = await alpha.as(alice).join();
      const rubbish = new Uint8Array(2_000_000);
      const codes: string[] = [];
      for (let i = 0; i < 20; i++) codes.push(codeIn(await client.post(rubbish)));
      expect(codes.filter((code) => code !== 'LONG_MESSAGES_REFUSED')).toHaveLength(8);

      const long = () => client.seal('server.describe', {}, { body: new Uint8Array(100_000) });
      expect(codeIn(await client.post(long(), byRoute('a')))).toBe('LONG_MESSAGES_REFUSED');
      const short = await client.post(client.seal('server.describe', {}), byRoute('a'));
      expect(client.read('server.describe', short).name).toBe('alpha');
      expect((await client.post(long(), byRoute('a'))).status).toBe(200);
      expect(codeIn(await client.post(long(), byRoute('b')))).toBe('LONG_MESSAGES_REFUSED');
    },
  );

  test(
    'is opened no more often for what he recorded, nor for what his account or a stranger may not send',
    { tags: 'slow' },
    async () => {
      const alpha = await start({ settings: { quota: { requestsPerMinute: 600 } } });
      const client = await alpha.as(alice).join();
      const recorded = client.seal('server.describe', {}, { body: new Uint8Array(2_000_000) });
      const stranger = alpha.as(person(66));
      const opening = () =>
        stranger.seal('account.open', { invite: null }, { introduce: true, body: new Uint8Array(2_000_000) });
      const statuses: number[] = [];
      for (let i = 0; i < 4; i++) statuses.push((await client.post(recorded)).status);
      for (let i = 0; i < 3; i++) statuses.push((await stranger.post(opening())).status);
      const more = client.seal('server.describe', {}, { body: new Uint8Array(2_000_000) });
      for (let i = 0; i < 3; i++) statuses.push((await client.post(i === 0 ? more : recorded)).status);
      expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 200, 429]);
    },
  );
});

describe('V70: strangers who knock and knock', () => {
  const mallory = person(66);
  // No time passes in which they could earn more.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  /** What a stranger at an address is told who asks for an account. */
  async function knock(alpha: TestServer, who: typeof alice, address: string, invite: string | null) {
    const stranger = alpha.as(who);
    const opening = stranger.seal('account.open', { invite }, { introduce: true });
    const answer = await stranger.post(opening, { 'x-forwarded-for': address });
    try {
      stranger.read('account.open', answer);
      return 'OK';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
  const knocking = async (alpha: TestServer, times: number, address: string, invite: string | null) => {
    const codes = new Set<string>();
    for (let i = 0; i < times; i++) codes.add(await knock(alpha, mallory, address, invite));
    return [...codes];
  };

  test('from one address: those of another are still heard', async () => {
    const alpha = await start({ settings: { accounts: 'invite', trustProxy: true } });
    expect(await knocking(alpha, 40, '198.51.100.7', null)).toEqual(['INVITE_REQUIRED', 'QUOTA_MESSAGES']);
    expect(await knock(alpha, mallory, '198.51.100.8', null)).toBe('INVITE_REQUIRED');
  });

  test('with an invite that many hold: it is tried a few times a minute', async () => {
    const alpha = await start({
      settings: { accounts: 'invite', trustProxy: true, limits: { accounts: 0 } },
    });
    const { code: invite } = await connectOperator(alpha.dataDir).createInvite({});
    expect(await knocking(alpha, 45, '198.51.100.7', invite)).toEqual(['ACCOUNTS_FULL', 'QUOTA_MESSAGES']);
  });

  test('at an open server: one address opens so many accounts a day, and all together so many', async () => {
    const limits = { accounts: 5, accountsPerAddressPerDay: 3 };
    const alpha = await start({ settings: { trustProxy: true, limits } });
    const codes: string[] = [];
    for (let number = 1; number <= 8; number++) {
      codes.push(await knock(alpha, person(number), number < 5 ? '198.51.100.7' : '198.51.100.8', null));
    }
    expect(codes).toEqual([
      'OK',
      'OK',
      'OK',
      'ACCOUNTS_PER_ADDRESS',
      'OK',
      'OK',
      'ACCOUNTS_FULL',
      'ACCOUNTS_PER_ADDRESS',
    ]);
    // Whoever is in stays in, and may ask again.
    expect(await knock(alpha, person(1), '198.51.100.7', null)).toBe('OK');
    expect((await connectOperator(alpha.dataDir).accounts()).accounts).toHaveLength(5);
  });
});
