import {
  encodeUtf8,
  equalBytes,
  reveal,
  type Secret,
  secret,
  StateError,
  UsageError,
  wipe,
} from '@ckm/foundation';
import type { Element, SecretScalar } from '../../group/index.js';
import { taggedHash } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { parsePartyIndex } from '../../sharing/index.js';
import type { SuiteName } from '../../key/cocktail/suite-name.js';
import { type FrostSuite, frostSuite } from './suite.js';

/** D and E of one party for one signature: public, sent to whoever assembles the signing package. */
export interface Commitment {
  readonly party: PartyIndex;
  /** D = d·G, encoded. */
  readonly hiding: Uint8Array;
  /** E = e·G, encoded. */
  readonly binding: Uint8Array;
}

/** The secret side of a {@link Commitment}; opaque outside this folder, good for one signature share. */
export interface SigningNonces {
  readonly suite: SuiteName;
  /** d and e; zeroed when spent. */
  readonly hidingNonce: SecretScalar;
  readonly bindingNonce: SecretScalar;
  readonly hidingElement: Element;
  readonly bindingElement: Element;
  readonly commitment: Commitment;
}

/**
 * Makes the nonces of one signature and the commitment to them.
 *
 * Secrecy: `random` is 64 fresh bytes, used for this call alone. The nonces are hashed from it and the share, so a weak
 * generator alone does not give them away; they never depend on a message.
 * @param context whatever differs from call to call (process id, counter, session): with it even a generator that
 *   repeats itself gives other nonces
 * @throws UsageError `RANDOMNESS_INVALID` · EncodingError `SCALAR_INVALID`, `PARTY_INDEX_INVALID`
 * Source: RFC 9591 §5.1 (commit), §4.1 (nonce_generate)
 */
export function commitNonces(args: {
  readonly suite: SuiteName;
  readonly party: PartyIndex;
  readonly share: Secret<Uint8Array>;
  readonly random: Uint8Array;
  readonly context?: Uint8Array;
}): { nonces: Secret<SigningNonces>; commitment: Commitment } {
  const suite = frostSuite(args.suite);
  const party = parsePartyIndex(args.party);
  const [hidingRandom, bindingRandom] = splitRandom(args.random, args.context);
  const share = suite.group.scalars.parseSecret(reveal(args.share, 'hedge the signing nonces'));
  try {
    const hidingNonce = generateNonce(suite, hidingRandom, share);
    const bindingNonce = generateNonce(suite, bindingRandom, share);
    return packNonces(suite, party, hidingNonce, bindingNonce);
  } finally {
    share.fill(0);
    hidingRandom.fill(0);
    bindingRandom.fill(0);
  }
}

/**
 * One nonce from 32 fresh bytes and the share. Never zero in practice; a zero has no commitment and is refused there.
 * Source: RFC 9591 §4.1 (nonce_generate)
 */
export function generateNonce(suite: FrostSuite, random: Uint8Array, share: SecretScalar): SecretScalar {
  return suite.h3(random, share);
}

/** Wraps both nonces with their commitment. @throws UsageError `ELEMENT_IDENTITY` for a zero nonce */
export function packNonces(
  { group, name }: FrostSuite,
  party: PartyIndex,
  hidingNonce: SecretScalar,
  bindingNonce: SecretScalar,
): { nonces: Secret<SigningNonces>; commitment: Commitment } {
  const hidingElement = group.mulBase(hidingNonce);
  const bindingElement = group.mulBase(bindingNonce);
  const commitment = Object.freeze({
    party,
    hiding: group.encode(hidingElement),
    binding: group.encode(bindingElement),
  });
  const nonces = { suite: name, hidingNonce, bindingNonce, hidingElement, bindingElement, commitment };
  return { nonces: secret<SigningNonces>(nonces), commitment: copyCommitment(commitment) };
}

function copyCommitment({ party, hiding, binding }: Commitment): Commitment {
  return Object.freeze({ party, hiding: hiding.slice(), binding: binding.slice() });
}

const spent = new WeakSet<Secret<SigningNonces>>();

/**
 * Takes the nonces out of their wrapper for good: whatever happens to the caller afterwards, nobody gets them again.
 * The caller zeroes the two scalars.
 * @throws StateError `NONCES_SPENT`
 */
export function spendNonces(nonces: Secret<SigningNonces>): SigningNonces {
  const held = takeNonces(nonces);
  if (held === undefined) throw noncesSpent();
  return held;
}

/** Zeroes nonces that will not be used. Harmless on spent ones. */
export function discardNonces(nonces: Secret<SigningNonces>): void {
  const held = takeNonces(nonces);
  held?.hidingNonce.fill(0);
  held?.bindingNonce.fill(0);
}

/** undefined when they are gone: spent, wiped by their owner, or this is a copy of the wrapper, which holds nothing. */
function takeNonces(nonces: Secret<SigningNonces>): SigningNonces | undefined {
  if (spent.has(nonces)) return undefined;
  spent.add(nonces);
  try {
    return reveal(nonces, 'make one signature share');
  } catch {
    return undefined;
  } finally {
    wipe(nonces);
  }
}

function noncesSpent(): StateError {
  return new StateError('these signing nonces were used before', {
    code: 'NONCES_SPENT',
    hint: 'make new commitments and start the signature again',
  });
}

const HIDING = encodeUtf8('hiding');
const BINDING = encodeUtf8('binding');

function splitRandom(random: Uint8Array, context: Uint8Array | undefined): [Uint8Array, Uint8Array] {
  if (!(random instanceof Uint8Array) || random.length !== 64) throw randomnessInvalid();
  const [first, second] = [Uint8Array.from(random.subarray(0, 32)), Uint8Array.from(random.subarray(32))];
  const zero = new Uint8Array(32);
  if (equalBytes(first, zero) || equalBytes(second, zero) || equalBytes(first, second)) {
    throw randomnessInvalid();
  }
  if (context === undefined) return [first, second];
  first.fill(0);
  second.fill(0);
  const bind = (role: Uint8Array) => taggedHash('CKM/frost/nonce-randomness/v1', role, context, random);
  return [bind(HIDING), bind(BINDING)];
}

function randomnessInvalid(): UsageError {
  return new UsageError('the randomness of signing nonces is not 64 random bytes', {
    code: 'RANDOMNESS_INVALID',
    hint: 'check the random number generator of this machine before signing anything',
  });
}
