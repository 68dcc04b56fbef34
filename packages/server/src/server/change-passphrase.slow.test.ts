import { encodeUtf8, secret, StorageError } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { PASSPHRASE, startTestServer, type TestServer } from '../test/test-server.js';
import { findKeySource } from '../vault/key-source.js';
import { changePassphraseOf, encodePassphrases } from './change-passphrase.js';
import type { OpenServer } from './open-server.js';

const NEW = 'walnut eleven bridges';
const words = (text: string) => secret(encodeUtf8(text));
const both = () => ({ present: words(PASSPHRASE), next: words(NEW) });

let alpha: TestServer;
beforeEach(async () => {
  alpha = await startTestServer({ isSealed: true });
});
afterEach(() => alpha.remove());

/** Opens it with the new passphrase. @returns what its log says of passphrases */
async function entriesAfterStart(): Promise<readonly string[]> {
  await alpha.restart({ passphrase: words(NEW) });
  const lines = await connectOperator(alpha.dataDir).audit();
  return lines.filter(({ deed }) => deed === 'operator.passphrase').map(({ detail }) => detail);
}

test('a passphrase that was changed while the database failed is said to be changed, and the log tells of it after the next start', async () => {
  const source = findKeySource(alpha.dataDir, null, () => alpha.now);
  const storage = {
    transact: () => Promise.reject(new StorageError('no room', { code: 'STORAGE_FULL', hint: '' })),
  };
  const open = { context: { storage } } as unknown as OpenServer;
  await expect(changePassphraseOf(source, open, both())).rejects.toMatchObject({
    code: 'PASSPHRASE_CHANGED',
    message: expect.stringContaining('no room (STORAGE_FULL)') as string,
  });
  expect(await entriesAfterStart()).toEqual(['changed 2027-01-15 08:00:00 UTC']);
  expect(await entriesAfterStart()).toHaveLength(1);
});

test('a passphrase that is changed while the server is sealed is in its log when it is opened', async () => {
  await connectOperator(alpha.dataDir).changePassphrase(encodePassphrases(both()));
  expect(await entriesAfterStart()).toHaveLength(1);
});

test('a change that is refused leaves the old passphrase, and nothing in the log', async () => {
  const source = findKeySource(alpha.dataDir, null, () => alpha.now);
  const wrong = { present: words('harbour six candles'), next: words(NEW) };
  await expect(changePassphraseOf(source, null, wrong)).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  expect(source.unloggedChange()).toBeNull();
  await changePassphraseOf(source, null, both());
  expect(await entriesAfterStart()).toHaveLength(1);
});
