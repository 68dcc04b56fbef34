import { encodeUtf8, reveal, type Secret, secret } from '@ckm/foundation';
import type { Group, SecretScalar } from '../../group/group.js';
import { deriveSecretScalar } from '../../key/cocktail/secret-scalar.js';
import { taggedHash, taggedHash64 } from '../../hash/index.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { uint16be } from '../../protocol/layout.js';

/**
 * The root of every secret of a run. A repeated seed gives other secrets for another key, roster, party or static
 * secret.
 * @param seed 32 fresh bytes
 * @param params hash of the key's parameters
 */
export function deriveRoot(
  seed: Uint8Array,
  staticSecret: SecretScalar,
  params: Uint8Array,
  me: PartyIndex,
): Secret<Uint8Array> {
  return secret(taggedHash('CKM/dkg/root/v1', seed, staticSecret, params, uint16be(me)));
}

/** What a party needs in one run besides its static secret; the same bytes whenever derived from the same root. */
export interface RunSecrets {
  /** Coefficients of the dealer's polynomial, constant term first. */
  readonly coefficients: readonly SecretScalar[];
  readonly ephemeral: SecretScalar;
  /** 32 bytes each. The nonce and the salt are published; the hedge never is. */
  readonly nonce: Uint8Array;
  readonly salt: Uint8Array;
  readonly hedge: Uint8Array;
}

/** Derives the secrets of a run; call {@link wipeRunSecrets} when done. */
export function deriveRunSecrets(
  group: Group,
  root: Secret<Uint8Array>,
  coefficientCount: number,
): RunSecrets {
  const bytes = reveal(root, 'derive the secrets of a run');
  const expand = (label: string, index: number, counter: Uint8Array = new Uint8Array()) =>
    taggedHash64('CKM/dkg/expand/v1', bytes, encodeUtf8(label), uint16be(index), counter);
  const scalar = (label: string, index: number) =>
    deriveSecretScalar(group, (counter) => expand(label, index, counter));
  return {
    coefficients: Array.from({ length: coefficientCount }, (_, k) => scalar('coefficient', k)),
    ephemeral: scalar('ephemeral', 0),
    nonce: firstHalf(expand('nonce', 0)),
    salt: firstHalf(expand('salt', 0)),
    hedge: firstHalf(expand('hedge', 0)),
  };
}

function firstHalf(wide: Uint8Array): Uint8Array {
  const half = wide.slice(0, 32);
  wide.fill(0);
  return half;
}

/** Overwrites what must not outlive the round: all but nonce and salt, which are published. */
export function wipeRunSecrets(secrets: RunSecrets): void {
  for (const coefficient of secrets.coefficients) coefficient.fill(0);
  secrets.ephemeral.fill(0);
  secrets.hedge.fill(0);
}
