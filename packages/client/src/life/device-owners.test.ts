import type { KeyTerms } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { giveTerms } from '@ckm/server/test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityForServer } from '../seed/identity.js';
import { createTestNetwork, OWNER_SEED, type TestNetwork } from '../test/test-network.js';
import { letPhoneIn } from './test/listed-phone.js';

let network: TestNetwork;
beforeEach(async () => {
  network = await createTestNetwork(3);
});
afterEach(() => network.close());

test('L9: a device that terms made the owner of a key is named when it is removed, and afterwards by status and doctor, with the command that makes another one owner', async () => {
  const { keyId, identity, store, wish } = await letPhoneIn(network, ['use', 'manage']);
  const terms: Partial<KeyTerms> = { ownerKey: identity.publicKeys.signing.bytes };
  const seed = secret(OWNER_SEED.slice());
  for (const { bare } of network.servers)
    await giveTerms(bare.context, identityForServer(seed, bare.context.identity.xid).xid, keyId, terms);
  await wish();
  const words = await network.owner({ store });
  expect((await words.status()).ownerless).toBeUndefined();
  expect(await words.planDeviceRemoval({ name: 'phone' })).toMatchObject({ owns: ['savings'] });
  expect(await words.removeDevice({ name: 'phone' })).toMatchObject({ owns: ['savings'] });
  expect((await words.status()).ownerless).toEqual(['savings']);
  expect(await words.diagnose()).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      subject: 'savings',
      remedy: { kind: 'ownKey', key: 'savings' },
    }),
  );
  await words.close();
});
