import { encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { httpCarrier } from './http-carrier.js';

const URL = 'https://alpha.example/ckm';
const PAGE = 'text/html; charset=utf-8';

/** What an owner is told about a reply, asked who is there and asked a message. */
async function told(status: number, contentType: string, body = '<html>no</html>') {
  const carrier = httpCarrier(() => Promise.resolve({ status, contentType, body: encodeUtf8(body) }));
  const delivery = { route: 'a1'.repeat(16), timeoutMs: 1_000 };
  const asked = [carrier.introduce(URL, 1_000), carrier.ask(URL, new Uint8Array(8), delivery)];
  return Promise.all(asked.map((answer) => answer.catch((error: unknown) => error)));
}

describe('a reply that no Secret Server wrote is told as one of something in between, with what to do', () => {
  test.each([
    [502, PAGE, 'HTTP 502 with a web page', 'its proxy does not reach it'],
    [503, 'text/plain', 'HTTP 503', 'its proxy does not reach it'],
    [504, '', 'HTTP 504', 'its proxy does not reach it'],
    [413, PAGE, 'HTTP 413 with a web page', 'messages of 2 MiB'],
    [429, PAGE, 'HTTP 429 with a web page', 'wait a moment'],
    [403, PAGE, 'HTTP 403 with a web page', 'let you through'],
    [404, PAGE, 'HTTP 404 with a web page', 'its path'],
    [200, PAGE, 'HTTP 200 with a web page', 'log-in'],
    [418, 'image/png', 'HTTP 418', 'between you and the server'],
  ])('%i %s', async (status, contentType, said, hint) => {
    for (const error of await told(status, contentType)) {
      expect(error).toMatchObject({
        code: 'SERVER_PROXY_ANSWERED',
        message: `no Secret Server answered at ${URL}, but something in its place: ${said}`,
        hint: expect.stringContaining(hint) as string,
      });
    }
  });
});

test('nothing that a page in between says is shown', async () => {
  const [error] = await told(502, 'text/html;\u001b[2J', 'call 0900 for "help"\u001b[2J');
  expect(String((error as Error).message)).not.toMatch(/0900|\u001b/);
});

test('what a server itself refuses keeps its code, whoever it is asked by', async () => {
  const problem = JSON.stringify({ code: 'TOO_MANY_MESSAGES' });
  const [introduced, asked] = await told(429, 'application/problem+json', problem);
  expect(introduced).toMatchObject({
    code: 'SERVER_REFUSED_MESSAGE',
    facts: { reason: 'TOO_MANY_MESSAGES' },
    message: `the server at ${URL} does not say who it is: HTTP 429, TOO_MANY_MESSAGES`,
  });
  expect(asked).toEqual({ kind: 'refusal', code: 'TOO_MANY_MESSAGES', text: 'HTTP 429' });
});
