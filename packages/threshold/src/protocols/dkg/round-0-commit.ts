import { EncodingError, equalBytes, PeerFaultError, reveal, secret, UsageError } from '@ckm/foundation';
import type { SecretScalar } from '../../group/group.js';
import type { PartyIndex, Step } from '../../protocol/contract.js';
import type { DkgOutput } from './certificate.js';
import { openDealer } from './dealing.js';
import type { CommitMessage, DkgMessage } from './messages.js';
import { type DkgParams, hashKeyParams, type KeyParams } from './params.js';
import { verifyRoster } from './roster.js';
import { deriveRoot, deriveRunSecrets, wipeRunSecrets } from './secrets.js';
import type { DkgState } from './state.js';
import { assertSeed } from './static-key.js';
import { type CocktailSuite, cocktailSuite } from './suite.js';
import { hashOpening } from './transcript.js';

/**
 * Checks the roster, chooses a polynomial and an ephemeral key, and commits to them.
 * @param seed 32 fresh bytes; the same seed and parameters give the same bytes
 * @returns aborted with `FAULT_ROSTER` when an entry does not hold
 * @throws EncodingError as `assertKeyParams`, `EPOCH_INVALID` · UsageError `SEED_INVALID`, `PARTY_MISSING`,
 * `STATIC_SECRET_WRONG`
 */
export function commit(
  { key, me, staticSecret }: DkgParams,
  seed: Uint8Array,
): Step<DkgState, DkgMessage, DkgOutput> {
  assertSeed(seed);
  const culprits = rosterCulprits(key);
  if (culprits !== undefined) return { kind: 'aborted', fault: { code: 'FAULT_ROSTER', round: 0, culprits } };
  assertFirstEpoch(key);
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

/** @throws EncodingError `EPOCH_INVALID`: later epochs come from resharing a key, never from generating one. */
export function assertFirstEpoch(key: KeyParams): void {
  if (key.epoch === 0) return;
  throw new EncodingError('a new key starts with epoch 0', {
    code: 'EPOCH_INVALID',
    hint: 'ask for the proposal again',
  });
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
