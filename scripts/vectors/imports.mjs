// A key of each suite that somebody has whole, dealt 2 of 3 to the servers of the vectors.
import { policyHash } from '@ckm/api';
import { secret } from '@ckm/foundation';
import {
  dealKey,
  encodeCertificate,
  encodeImportDeal,
  groupNamed,
  groupOfSuite,
  importProtocol,
  simulate,
  verifyCertificate,
} from '@ckm/threshold';
import { POLICY, rosterOf } from './keys.mjs';
import { bytesOf } from './servers.mjs';

export function importVector(suite) {
  const hd = suite !== 'ristretto255';
  const flags = { dealt: true, exportable: false, exported: false, hd, strict: false };
  const scope = {
    suite,
    keyId: bytesOf(`imported key ${suite}`),
    epoch: 0,
    previous: new Uint8Array(32),
    flags,
  };
  const { roster, statics } = rosterOf(scope);
  const quorum = { needed: 2, of: 3 };
  const params = { ...scope, purpose: 'message', quorum, termsHash: policyHash(POLICY), roster };
  const { scalars } = groupNamed(groupOfSuite(suite));
  const whole = scalars.parse(scalars.reduce(bytesOf(`whole key ${suite}`)));
  const chainCode = hd ? bytesOf(`chain code ${suite}`) : new Uint8Array(32);
  const deal = dealKey({ params, secret: secret(whole.slice()), chainCode }, bytesOf(`dealing of ${suite}`));
  const run = simulate({
    protocol: importProtocol,
    parties: [1, 2, 3],
    params: (me) => ({ deal, me, staticSecret: statics[me - 1].staticSecret }),
    seed: (party) => bytesOf(`import seed of ${party}`),
  });
  const { certificate } = run.outcomes.get(1).output;
  const { transcriptHash, public: key } = verifyCertificate(certificate);
  return {
    suite,
    secret: whole,
    deal: encodeImportDeal(deal),
    certificate: encodeCertificate(certificate),
    transcriptHash,
    view: run.wire[0].body.view,
    groupKey: key.groupKey,
    commitment: key.commitment,
    verifyingShares: key.verifyingShares,
    chainCode: key.chainCode,
  };
}
