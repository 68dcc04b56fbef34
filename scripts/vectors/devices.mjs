// Lists of the devices of an account: the first, which nobody signs, and three that follow one another.
import { deviceKey, encodeDevices, firstDevices, hashDevices, nextDevices, signDevices } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { bytesOf, identities } from './servers.mjs';

const [alpha] = identities;
const alice = createIdentity(secret(bytesOf('identity of alice')));
const laptop = createIdentity(secret(bytesOf('identity of a laptop')), alice.xid);
const phone = createIdentity(secret(bytesOf('identity of a phone')), alice.xid);

export function deviceVectors() {
  const first = firstDevices(alpha.xid, alice.xid, alice.publicKeys);
  const ofLaptop = deviceKey(laptop.publicKeys, ['use', 'make', 'manage'], bytesOf('notes of a laptop'));
  const ofPhone = deviceKey(phone.publicKeys, ['use']);
  const one = nextDevices(first, [ofLaptop], alice.xid);
  const two = nextDevices(one, [ofLaptop, ofPhone], ofLaptop.id);
  const raised = nextDevices(two, [ofPhone], alice.xid, true);
  return [
    { document: encodeDevices(first), signature: null, hash: hashDevices(first) },
    vectorOf(one, alice),
    vectorOf(two, laptop),
    vectorOf(raised, alice),
  ];
}

function vectorOf(list, signer) {
  return { ...signDevices(list, signer), hash: hashDevices(list) };
}
