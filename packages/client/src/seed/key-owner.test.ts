import { encodeHex, secret } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { identityForServer } from './identity.js';
import { keyDeviceIdentity, keyOwnerIdentity } from './key-owner.js';

const bytes = (byte: number) => new Uint8Array(32).fill(byte);
const seed = () => secret(bytes(7));
const keyOf = ({ publicKeys }: ReturnType<typeof keyOwnerIdentity>) => encodeHex(publicKeys.signing.bytes);

test('the owner of a key is another one for each key and seed, the same whenever it is asked, and none that a server knows', () => {
  const known = [
    keyOwnerIdentity(seed(), bytes(1)),
    keyOwnerIdentity(seed(), bytes(2)),
    keyOwnerIdentity(secret(bytes(8)), bytes(1)),
    keyDeviceIdentity(seed(), bytes(1)),
    keyDeviceIdentity(seed(), bytes(2)),
    identityForServer(seed(), keyOwnerIdentity(seed(), bytes(1)).xid),
  ];
  expect(new Set(known.map(keyOf)).size).toBe(known.length);
  expect(keyOf(keyOwnerIdentity(seed(), bytes(1)))).toBe(keyOf(known[0]!));
  // Fixed: terms that are certified with a key name it for as long as there is that key.
  expect(keyOf(known[0]!)).toMatchInlineSnapshot(
    `"b8c7629cd354831b94473ef8a1be9fd06d5952a4f2b0c8179a0fceb362d4d983"`,
  );
  expect(keyOf(known[3]!)).toMatchInlineSnapshot(
    `"df48302415bb9a77dbcf1b203579cad03f45bf719dc1fc446775512f4e2e656b"`,
  );
});
