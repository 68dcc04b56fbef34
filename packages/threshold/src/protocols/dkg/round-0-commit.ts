import { equalBytes, PeerFaultError, reveal, secret, type Secret, UsageError } from '@ckm/foundation';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex, Step } from '../../protocol/contract.js';
import type { DkgOutput } from './output.js';
import { openDealer } from './dealing.js';
import type { CommitMessage, DkgMessage } from './messages.js';
import { hashKeyParams, type KeyParams } from '../../key/params.js';
import { verifyRoster } from '../../key/roster.js';
import { assertNewKey } from './run.js';
import { deriveRoot, deriveRunSecrets, wipeRunSecrets } from './secrets.js';
import type { DkgState } from './state.js';
import { assertSeed } from '../../key/static-key.js';
import { type CocktailSuite, cocktailSuite } from '../../key/cocktail/suite.js';
import { hashOpening } from './transcript.js';

/** What one party starts a run with. */
export interface DkgParams {
  readonly key: KeyParams;
  readonly me: PartyIndex;
  /** d, the discrete logarithm of my static key. */
  readonly staticSecret: Secret<Uint8Array>;
}

/**
 * Checks the roster, chooses a polynomial and an ephemeral key, and commits to them.
 * @param seed 32 fresh bytes; the same seed and parameters give the same bytes
 * @returns aborted with `FAULT_ROSTER` when an entry does not hold
 * @throws EncodingError as `assertKeyParams`, `assertNewKey` · UsageError `SEED_INVALID`, `PARTY_MISSING`,
 * `STATIC_SECRET_WRONG`
 */
export function commit(
  { key, me, staticSecret }: DkgParams,
  seed: Uint8Array,
): Step<DkgState, DkgMessage, DkgOutput> {
  assertSeed(seed);
  const culprits = rosterCulprits(key);
  if (culprits !== undefined) return { kind: 'aborted', fault: { code: 'FAULT_ROSTER', round: 0, culprits } };
  assertNewKey(key);
  const suite = cocktailSuite(key.suite);
  const scalar = suite.group.scalars.parseSecret(reveal(staticSecret, 'derive the secrets of a run'));
  assertOwnSlot(suite, key, me, scalar);
  const params = hashKeyParams(key);
  const root = deriveRoot(seed, scalar, params, me);
  const secrets = deriveRunSecrets(suite.group, root, key.quorum.needed);
  const opening = openDealer(suite, secrets);
  const { nonce, salt } = secrets;
  const posted: CommitMessage = {
    round: 0,
    nonce,
    commitment: hashOpening(params, me, nonce, opening, salt),
  };
  wipeRunSecrets(secrets);
  return {
    kind: 'waiting',
    state: { round: 0, params: key, me, staticSecret: secret<Uint8Array>(scalar), root, opening, posted },
    outbox: [{ to: 'everyone', round: 0, body: posted }],
  };
}

/** The slots whose entries do not hold, or `undefined`. @throws EncodingError as `assertKeyParams` */
function rosterCulprits(key: KeyParams): readonly PartyIndex[] | undefined {
  try {
    verifyRoster(key);
    return undefined;
  } catch (error) {
    if (error instanceof PeerFaultError) return error.facts['culprits'] as readonly PartyIndex[];
    throw error;
  }
}

function assertOwnSlot(
  suite: CocktailSuite,
  key: KeyParams,
  me: PartyIndex,
  staticSecret: SecretScalar,
): void {
  const entry = key.roster[me - 1];
  if (entry === undefined) {
    throw new UsageError('this party is not in the roster', {
      code: 'PARTY_MISSING',
      hint: 'start with the slot that the roster gives to this server',
    });
  }
  const own = suite.group.encode(suite.group.mulBase(staticSecret));
  if (equalBytes(own, entry.staticKey)) return;
  throw new UsageError('the static secret does not belong to the static key of this slot', {
    code: 'STATIC_SECRET_WRONG',
    hint: 'start with the secret that was made for this key',
  });
}
