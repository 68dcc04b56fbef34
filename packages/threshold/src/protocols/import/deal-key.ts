import { EncodingError, reveal, type Secret, secret, wipe } from '@ckm/foundation';
import { taggedHash, taggedHash64 } from '../../hash/index.js';
import { deriveSecretScalar } from '../../key/cocktail/secret-scalar.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import { hashKeyParams, type KeyParams } from '../../key/params.js';
import { verifyRoster } from '../../key/roster.js';
import { assertSeed } from '../../key/static-key.js';
import { createDealing, openDealer, staticPointsOf } from '../dkg/dealing.js';
import { deriveRunSecrets, wipeRunSecrets } from '../dkg/secrets.js';
import { encodeImportDeal, type ImportDeal } from './deal.js';
import { importSession } from './session.js';

/** What is dealt, and to whom. */
export interface KeyToDeal {
  readonly params: KeyParams;
  /** A canonical scalar of the suite's group, not zero. */
  readonly secret: Secret<Uint8Array>;
  /** 32 bytes; zeros where the key has no children. */
  readonly chainCode: Uint8Array;
}

/**
 * Deals a key out among its roster. Whoever calls this stores what comes out before anybody is shown it, and shows that again
 * rather than deal once more: two dealings to overlapping rosters give two polynomials, which together nobody needs.
 * @param seed 32 fresh bytes
 * @throws EncodingError `SCALAR_INVALID`, `KEY_PARAMS_INVALID` · PeerFaultError `FAULT_ROSTER` · UsageError `SEED_INVALID`
 */
export function dealKey({ params, secret: whole, chainCode }: KeyToDeal, seed: Uint8Array): ImportDeal {
  assertSeed(seed);
  verifyRoster(params);
  const suite = cocktailSuite(params.suite);
  const { group } = suite;
  const constantTerm = group.scalars.parseSecret(reveal(whole, 'deal a key to its servers'));
  if (group.scalars.isZero(constantTerm)) throw isZero();
  const root = secret(taggedHash('CKM/import/root/v1', seed, constantTerm, hashKeyParams(params), chainCode));
  const random = deriveRunSecrets(group, root, params.quorum.needed);
  const dealerSecret = deriveSecretScalar(group, (counter) =>
    taggedHash64('CKM/import/dealer-key/v1', reveal(root, 'make the key of a dealer'), counter),
  );
  try {
    const dealerKey = group.encode(group.mulBase(dealerSecret));
    const head = { params, nonce: random.nonce, dealerKey, chainCode };
    const { context, receiverKeys } = importSession(head);
    const secrets = { ...random, coefficients: [constantTerm, ...random.coefficients.slice(1)] };
    const staticPoints = staticPointsOf(suite, dealerSecret, receiverKeys, null);
    const dealing = createDealing(suite, {
      secrets,
      opening: openDealer(suite, secrets),
      me: null,
      staticSecret: dealerSecret,
      senderKey: dealerKey,
      staticKeys: receiverKeys,
      staticPoints,
      context,
    });
    staticPoints.fill(0);
    const deal: ImportDeal = { ...head, dealing };
    encodeImportDeal(deal);
    return deal;
  } finally {
    constantTerm.fill(0);
    dealerSecret.fill(0);
    wipeRunSecrets(random);
    wipe(root);
  }
}

function isZero(): EncodingError {
  return new EncodingError('a private key cannot be zero', {
    code: 'SCALAR_INVALID',
    hint: 'look whether this is the file of the key',
  });
}
