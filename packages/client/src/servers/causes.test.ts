import { AccessError, AvailabilityError, StorageError } from '@ckm/foundation';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../client.js';
import { createTestNetwork, json, messageOf, type TestNetwork } from '../test/test-network.js';
import { causeOf } from './causes.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];

let network: TestNetwork;
let client: Client;

beforeAll(async () => {
  network = await createTestNetwork(3);
  client = await network.owner();
  await client.createKey({ name: 'k', purpose: 'message', quorum: { needed: 3, of: 3 }, servers: SERVERS });
});
afterAll(() => network.close());

test.each([
  [new AvailabilityError('', { code: 'SERVER_SEALED', hint: '' }), 'is sealed'],
  [new AccessError('', { code: 'ACCOUNT_SUSPENDED', hint: '' }), 'has suspended your account'],
  [new AccessError('', { code: 'SERVER_IDENTITY_CHANGED', hint: '' }), 'is another server now'],
  [
    new AvailabilityError('', { code: 'SERVER_CERTIFICATE_UNKNOWN', hint: '' }),
    'shows a TLS certificate that is not trusted',
  ],
  [new StorageError('', { code: 'STORAGE_FULL', hint: '' }), 'has a full disk'],
  [new StorageError('', { code: 'STORAGE_FAILED', hint: '' }), 'cannot use its storage'],
  [
    new AvailabilityError('', { code: 'CLOCK_DIFFERS', hint: '', facts: { aheadSeconds: 240 } }),
    'has a clock 4 min behind yours',
  ],
  [
    new AvailabilityError('', {
      code: 'SERVER_REFUSED_MESSAGE',
      hint: '',
      facts: { reason: 'MESSAGE_NOT_AUTHENTICATED' },
    }),
    'does not know you any more',
  ],
  [new AvailabilityError('', { code: 'SERVER_UNREACHABLE', hint: '' }), 'does not answer'],
  [new AccessError('', { code: 'POLICY_RATE', hint: '' }), 'refuses (POLICY_RATE)'],
])('causeOf %o: %s', (error, words) => {
  expect(causeOf(error)).toBe(words);
});

test.each([
  ['STORAGE_UNREACHABLE', 'does not reach its database'],
  ['STORAGE_READ_ONLY', 'cannot write to its storage'],
  ['STORAGE_CORRUPT', 'cannot use its storage'],
  ['TOO_MANY_MESSAGES', 'has had too many messages'],
  ['LONG_MESSAGES_REFUSED', 'takes no long messages for a while'],
  ['MESSAGE_EXPIRED', 'refuses (MESSAGE_EXPIRED)'],
])('causeOf a refusal that was not sealed, %s, is no silence: %s', (reason, words) => {
  const refused = { code: 'SERVER_REFUSED_MESSAGE', hint: '', facts: { reason } };
  expect(causeOf(new AvailabilityError('', refused))).toBe(words);
});

test('where too few can sign, each server is named with what keeps it from it, and none as silent that is not', async () => {
  network.server('alpha').wire = () => Promise.resolve(json(503, { code: 'SERVER_SEALED' }));
  network.server('bravo').wire = () =>
    Promise.reject(new AvailabilityError('', { code: 'SERVER_CERTIFICATE_TIME', hint: '' }));
  network.server('charlie').wire = () => Promise.resolve(json(400, { code: 'MESSAGE_NOT_FOR_ME' }));
  await expect(client.sign({ key: 'k', ...messageOf('x') })).rejects.toMatchObject({
    code: 'TOO_FEW_SERVERS',
    message:
      'too few servers can sign, 3 are needed: alpha is sealed, bravo shows a TLS certificate that has expired, or is not valid yet, charlie is another server now',
  });
});

test.each([
  ['STORAGE_UNREACHABLE', 'does not reach its database'],
  ['STORAGE_READ_ONLY', 'cannot write to its storage'],
  ['SERVER_STOPPING', 'is stopping'],
])(
  'a server that refuses before it knows who asks (%s) is not told as silent by status, and doctor sends its owner to the operator',
  async (code, cause) => {
    for (const name of SERVERS) network.server(name).wire = () => Promise.resolve(json(503, { code }));
    const { servers } = await client.status();
    expect(servers.map(({ problem }) => problem)).toEqual(
      SERVERS.map((name) => ({
        code: 'SERVER_REFUSED_MESSAGE',
        text: `server ${name} did not accept the message: HTTP 503, ${code}`,
        cause,
        reason: code,
      })),
    );
    const failing = (await client.diagnose()).filter(
      ({ subject, level }) => subject === 'alpha' && level === 'fail',
    );
    expect(failing).toMatchObject([
      { fix: 'ask its operator; what that means', remedy: { kind: 'read', code } },
    ]);
    await expect(client.sign({ key: 'k', ...messageOf('x') })).rejects.toMatchObject({
      message: expect.stringContaining(`alpha ${cause}`) as string,
    });
  },
);
