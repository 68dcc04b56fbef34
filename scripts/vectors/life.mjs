// What is signed for all servers of a key: signs of life, freezes with dates and for paper, and that a server has not heard its owner.
import { signAlive, signFreeze, signHeard } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { bytesOf, identities } from './servers.mjs';

const owner = createIdentity(secret(bytesOf('owner key of a key')));
const eve = createIdentity(secret(bytesOf('identity of eve for one key')));
const [alpha] = identities;
const keyId = bytesOf('key id');
const NOW = 1_790_000_000;

export function lifeVectors() {
  const id = (name) => bytesOf(`id of a freeze ${name}`);
  const heard = {
    keyId,
    first: bytesOf('transcript hash'),
    nonce: bytesOf('nonce'),
    silentSeconds: 15_552_000,
  };
  return [
    vectorOf('ckm/alive/v1', owner, signAlive(owner, { keyId, number: NOW })),
    vectorOf(
      'ckm/freeze/v1',
      eve,
      signFreeze(eve, { keyId, id: id('with dates'), times: { from: NOW, until: NOW + 604_800 } }),
    ),
    vectorOf('ckm/freeze/v1', owner, signFreeze(owner, { keyId, id: id('on paper'), times: null })),
    vectorOf('ckm/heard/v1', alpha, signHeard(alpha, heard)),
  ];
}

function vectorOf(purpose, { publicKeys }, { statement, signature }) {
  return { purpose, publicKey: publicKeys.signing.bytes, statement, signature };
}
