import { VERSION } from '@ckm/foundation';
import { join } from 'node:path';
import {
  decodeData,
  decodeEnvelope,
  encodeData,
  encodeEnvelope,
  openAsRecipient,
  sealToRecipients,
} from '@ckm/gordian';
import { suiteBackends } from '@ckm/threshold';
import { afterEach, describe, expect, test } from 'vitest';
import { person, random, tamperWith } from '../test/rooms.js';
import { openIdentityOf } from '../test/stored-secrets.js';
import {
  keysOf,
  problemIn,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../test/test-server.js';

const alice = person(1);
const mallory = person(66);
const servers: TestServer[] = [];

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
});

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'OK',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe('a message from somebody with an account', () => {
  test('is answered, sealed to its sender, with the id of the question inside', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    expect(await client.ask('server.describe', {})).toEqual({
      name: 'alpha',
      version: VERSION,
      time: alpha.now,
      keys: 0,
      keyQuota: 1_000,
      arithmetic: suiteBackends(),
    });
    const answer = await client.post(client.seal('server.describe', {}));
    expect(answer).toMatchObject({ status: 200, type: 'application/octet-stream' });
    expect(() => alpha.as(mallory).read('server.describe', answer)).toThrow(/addressed to somebody else/);
  });

  test('a refusal travels inside the seal: whoever carries it sees 200 and ciphertext', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const answer = await client.post(client.seal('key.show', { keyId: new Uint8Array(32) }));
    expect(answer.status).toBe(200);
    expect(new TextDecoder().decode(answer.bytes)).not.toMatch(/KEY|key/);
    expect(() => client.read('key.show', answer)).toThrow(expect.objectContaining({ code: 'KEY_UNKNOWN' }));
  });

  test('V9, V10: parameters that are missing, of another type, too many or named __proto__ are refused by field', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const bodies: unknown[] = [
      {},
      { keyId: 'not bytes' },
      { keyId: new Uint8Array(31) },
      { keyId: new Uint8Array(32), extra: 1 },
      { keyId: new Uint8Array(32), constructor: 1 },
      [],
      null,
      7,
    ];
    for (const body of bodies) {
      const bytes = client.seal(
        'key.show',
        { keyId: new Uint8Array(32) },
        { body: encodeData({ protocol: 1, parameters: body as never }) },
      );
      const answer = await client.post(bytes);
      expect(() => client.read('key.show', answer)).toThrow(
        expect.objectContaining({ errorClass: 'EncodingError', code: 'PARAMETERS_INVALID' }),
      );
    }
    const parameters = { ['__proto__']: { admin: true }, keyId: new Uint8Array(32) };
    const polluted = encodeData({ protocol: 1, parameters });
    expect(Object.keys(decodeData(encodeData(parameters)) as object)).toContain('__proto__');
    const answer = await client.post(
      client.seal('key.show', { keyId: new Uint8Array(32) }, { body: polluted }),
    );
    expect(() => client.read('key.show', answer)).toThrow(
      expect.objectContaining({ code: 'PARAMETERS_INVALID' }),
    );
  });

  test('V20: a message in another version of the protocol is refused with the versions spoken here, whatever it asks for', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    for (const name of ['server.describe', 'key.show', 'session.rewind']) {
      const change = { function: name, body: encodeData({ protocol: 2, parameters: { later: 1 } }) };
      const answer = await client.post(client.seal('server.describe', {}, change));
      expect(() => client.read(name as 'server.describe', answer)).toThrow(
        expect.objectContaining({
          code: 'PROTOCOL_VERSION_UNKNOWN',
          facts: { protocol: 2, speaks: [1] },
        }),
      );
    }
  });

  test('V20: a function of another version is refused as such', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    for (const name of ['session.rewind', 'constructor', 'account.close']) {
      const answer = await client.post(client.seal('server.describe', {}, { function: name }));
      expect(() => client.read('server.describe', answer)).toThrow(
        expect.objectContaining({ code: 'FUNCTION_UNKNOWN', hint: expect.stringContaining('versions') }),
      );
    }
  });

  test('more messages than the quota are refused until time has passed', async () => {
    const alpha = await start({ settings: { quota: { requestsPerMinute: 3 } } });
    const client = await alpha.as(alice).join();
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) codes.push(await code(client.ask('server.describe', {})));
    expect(codes).toEqual(['OK', 'OK', 'OK', 'QUOTA_MESSAGES']);
    expect(await code(alpha.as(person(2)).join())).toBe('OK');
  });
});

describe('V63: a message from anybody else', () => {
  test('a stranger, a wrong signature and an impostor get the same answer, which says nothing', async () => {
    const alpha = await start();
    await alpha.as(alice).join();
    const stranger = alpha.as(mallory);
    const impostor = alpha.as({ ...mallory, xid: alice.xid });
    const answers = [
      await stranger.post(stranger.seal('server.describe', {})),
      await impostor.post(impostor.seal('server.describe', {})),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 401, type: 'application/problem+json' });
      expect(problemIn(answer)).toEqual(problemIn(answers[0]!));
      expect(problemIn(answer).code).toBe('MESSAGE_NOT_AUTHENTICATED');
    }
  });

  test('an introduction opens an account and nothing else', async () => {
    const alpha = await start();
    const stranger = alpha.as(mallory);
    const answer = await stranger.post(stranger.seal('key.list', { after: null }, { introduce: true }));
    expect(() => stranger.read('key.list', answer)).toThrow(
      expect.objectContaining({ code: 'ACCOUNT_UNKNOWN' }),
    );
  });

  test('a stranger who was refused leaves no row behind', async () => {
    const alpha = await start({ settings: { accounts: 'closed' } });
    for (let i = 0; i < 3; i++)
      await expect(alpha.as(mallory).join()).rejects.toMatchObject({ code: 'ACCOUNTS_CLOSED' });
    await alpha.server.close();
    let rows: unknown;
    tamperWith(join(alpha.dataDir, 'ckm.sqlite'), (database) => {
      rows = database.prepare('select count(*) as count from seen_messages').get();
    });
    expect(rows).toEqual({ count: 0 });
  });

  test('account.open without an introduction is nobody’s', async () => {
    const alpha = await start();
    const stranger = alpha.as(mallory);
    const answer = await stranger.post(stranger.seal('account.open', { invite: null }));
    expect(problemIn(answer).code).toBe('MESSAGE_NOT_AUTHENTICATED');
  });

  test('a request for alpha is refused by bravo, sent as it is or sealed again for it by alpha', async () => {
    const [alpha, bravo] = [await start(), await start()];
    const client = await alpha.as(alice).join();
    const atBravo = await bravo.as(alice).join();
    const message = client.seal('server.describe', {});
    /** What a server that turned bad can do with what it was sent: open it, and seal it anew with its signature. */
    const forwarded = (bytes: Uint8Array, from: TestServer, to: TestServer) => {
      const signed = openAsRecipient(decodeEnvelope(bytes), openIdentityOf(from.dataDir).agreementKey);
      const recipient = keysOf(to.server).publicKeys.agreement;
      return encodeEnvelope(sealToRecipients(signed, [recipient], random));
    };
    for (const bytes of [message, forwarded(message, alpha, bravo)]) {
      const problem = problemIn(await atBravo.post(bytes));
      expect(problem).toMatchObject({ status: 403, code: 'MESSAGE_NOT_FOR_ME' });
    }
    // Sealing again alone breaks nothing: where it was meant to go, it is answered.
    const answer = await client.post(forwarded(message, alpha, alpha));
    expect(client.read('server.describe', answer).name).toBe('alpha');
  });

  test('a reply of the server itself is not a request', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const { bytes } = await client.post(client.seal('server.describe', {}));
    expect(problemIn(await client.post(bytes)).code).toBe('MESSAGE_NOT_FOR_ME');
  });

  test('any byte changed on the way, any cut, and garbage end in a problem without a word of ours', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const message = client.seal('server.describe', {});
    for (let at = 0; at < message.length; at += 7) {
      const changed = message.slice();
      changed[at]! ^= 0x41;
      const answer = await client.post(changed);
      expect(answer.status, `byte ${at}`).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.type).toBe('application/problem+json');
    }
    for (const bytes of [
      new Uint8Array(0),
      message.subarray(0, 100),
      random(300),
      new Uint8Array(10_000).fill(0x81),
    ]) {
      expect((await client.post(bytes)).status).toBe(400);
    }
    expect(alpha.log()).not.toContain('"msg":"bug"');
  });

  test('V9: a body nested deeper than any request is refused before it is read', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const nested = (depth: number) => new Uint8Array(depth).fill(0x81).fill(0x00, depth - 1);
    const shallow = await client.post(client.seal('server.describe', {}, { body: nested(12) }));
    expect(() => client.read('server.describe', shallow)).toThrow(
      expect.objectContaining({ code: 'PARAMETERS_INVALID' }),
    );
    for (const depth of [64, 4_000]) {
      const answer = await client.post(client.seal('server.describe', {}, { body: nested(depth) }));
      expect(problemIn(answer)).toMatchObject({ status: 400, errorClass: 'EncodingError' });
    }
    expect(alpha.log()).not.toContain('"msg":"bug"');
  });

  test('an expired message, one from the future and one that lives too long are refused', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const { now } = alpha;
    const refused = async (date: number, expiresAt: number) =>
      problemIn(await client.post(client.seal('server.describe', {}, { date, expiresAt }))).code;
    expect(await refused(now - 100, now)).toBe('MESSAGE_EXPIRED');
    expect(await refused(now + 61, now + 100)).toBe('MESSAGE_FROM_FUTURE');
    expect(await refused(now, now + 301)).toBe('MESSAGE_LIVES_TOO_LONG');
  });
});

describe('a message that was answered', () => {
  test('is not answered again, whether it asked or changed something', async () => {
    const alpha = await start();
    const client = alpha.as(alice);
    const opening = client.seal('account.open', { invite: null }, { introduce: true });
    client.read('account.open', await client.post(opening));
    const again = await client.post(opening);
    expect(() => client.read('account.open', again)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
    );
    const asking = client.seal('server.describe', {});
    client.read('server.describe', await client.post(asking));
    const twice = await client.post(asking);
    expect(() => client.read('server.describe', twice)).toThrow(
      expect.objectContaining({ errorClass: 'StateError', code: 'MESSAGE_REPLAYED', retryable: false }),
    );
  });

  test('is answered once when it arrives many times at the same moment', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const message = client.seal('server.describe', {});
    const codes = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const answer = await client.post(message);
        return code((async () => client.read('server.describe', answer))());
      }),
    );
    expect(codes.filter((one) => one === 'OK')).toHaveLength(1);
    expect(codes.filter((one) => one === 'MESSAGE_REPLAYED')).toHaveLength(7);
  });

  test('is not answered again after a restart', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const message = client.seal('server.describe', {});
    client.read('server.describe', await client.post(message));
    await alpha.restart();
    const again = await client.post(message);
    expect(() => client.read('server.describe', again)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
    );
  });

  test('nor when it was refused the first time', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const message = client.seal('key.show', { keyId: new Uint8Array(32) });
    const first = await client.post(message);
    expect(() => client.read('key.show', first)).toThrow(expect.objectContaining({ code: 'KEY_UNKNOWN' }));
    await alpha.restart();
    const again = await client.post(message);
    expect(() => client.read('key.show', again)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_REPLAYED' }),
    );
  });

  test('V68: nor when the clock is set back after its id was forgotten', async () => {
    const alpha = await start();
    const client = await alpha.as(alice).join();
    const message = client.seal('server.describe', {});
    client.read('server.describe', await client.post(message));
    alpha.now += 5_000;
    await alpha.sweep();
    alpha.now -= 5_000;
    const again = await client.post(message);
    expect(problemIn(again).code).toBe('MESSAGE_EXPIRED');
    await expect(alpha.restart()).rejects.toMatchObject({ code: 'CLOCK_BEHIND' });
    alpha.now += 5_000;
    await alpha.restart();
  });
});
