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
