import { concatBytes, encodeHex } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { expect, it } from 'vitest';
import { SUITE_NAMES } from '../../key/cocktail/suite-name.js';
import { proveShare } from '../../key/key-check.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { bytesOf } from '../dkg/fixtures/parties.js';
import { createRepair, generateKey, runRepair } from './fixtures/lost-share.js';
import { encodeLoss, lossStatement } from './index.js';

/** Beginnings of SHA-256: whoever changes bytes on purpose writes new ones here, and a new version into the tags. */
const FROZEN: Readonly<Record<string, readonly string[]>> = {
  ed25519: [
    '30dc4fed0f705a45',
    '6e0d3b9bf4553266',
    '90a796d611df5e03',
    '74a84c18dd0f36a0',
    'c0fb425ad999c7af',
  ],
  ristretto255: [
    'b842b2ae15feec55',
    'fee30db63198242c',
    '708c5e8e10fb8213',
    '8cb0213d2a0b51bc',
    '349b2d928627f82b',
  ],
  secp256k1: [
    '9f3e23da10aef62f',
    'ceffa69f9c8b55f9',
    'd87917cd6f77a202',
    'eac8cf5026dedd49',
    '01ee8d8af58e9c8f',
  ],
  'secp256k1-tr': [
    'e32567bde181e919',
    '8d4472598890c2b6',
    '3ee430f222580835',
    '687a2e5b8f64589e',
    '89972c56619defa3',
  ],
  'P-256': [
    '30a06df554baba0f',
    '75f5f8cea0b9b39d',
    '926273e90fa72494',
    'a19e88e05de6992f',
    'f3efa4ab567c9551',
  ],
};

it.each(SUITE_NAMES)('the bytes of a repair and of a key check in suite %s are what they were', (suite) => {
  const held = generateKey(suite, { needed: 2, of: 3 }, 'frozen');
  const made = createRepair(held, 2, [1, 3]);
  const { loss } = made.repair;
  const run = runRepair(made);
  const question = { slot: 1 as PartyIndex, challenge: bytesOf('frozen'), askedAt: 1_800_000_000 };
  const proof = proveShare(held.key, question, held.shares[0]!.share, bytesOf('frozen fresh'));
  const wire = concatBytes(...run.wire.map(({ bytes }) => bytes));
  const states = concatBytes(...[...run.states.values()].flat());
  const parts = [lossStatement(loss), encodeLoss(suite, loss), wire, states, proof];
  expect(parts.map((bytes) => encodeHex(sha256(bytes)).slice(0, 16))).toEqual(FROZEN[suite]);
});
