import { UsageError } from '@ckm/foundation';
import type { SuiteName } from '@ckm/threshold';
import type { RequestKindName } from './kind.js';

/**
 * What a key can be made for: the suite it is made with unless told, and the kinds of request it answers to.
 * People have one SSH key to log in and to sign commits with, so `ssh` answers to both. No signature for one passes for
 * the other: a commit is signed behind `SSHSIG` and the namespace `git`, a login behind a session id whose length is
 * written first (OpenSSH PROTOCOL.sshsig §2, RFC 4252 §7).
 */
const PURPOSES: ReadonlyMap<
  string,
  { readonly suite: SuiteName; readonly kinds: readonly RequestKindName[] }
> = new Map([
  ['message', { suite: 'ed25519', kinds: ['message'] }],
  ['bitcoin', { suite: 'secp256k1-tr', kinds: ['bitcoin'] }],
  ['ssh', { suite: 'ed25519', kinds: ['ssh', 'git'] }],
  ['git', { suite: 'ed25519', kinds: ['git'] }],
]);

function purposeNamed(purpose: string) {
  const known = PURPOSES.get(purpose);
  if (known !== undefined) return known;
  throw new UsageError('no key is made for this purpose', {
    code: 'PURPOSE_UNKNOWN',
    hint: `use one of ${[...PURPOSES.keys()].join(', ')}`,
  });
}

/** The kinds of request a key of this purpose answers to. @throws UsageError `PURPOSE_UNKNOWN` */
export function purposeKinds(purpose: string): readonly RequestKindName[] {
  return purposeNamed(purpose).kinds;
}

/** The suite a key of this purpose is made with unless told. @throws UsageError `PURPOSE_UNKNOWN` */
export function purposeSuite(purpose: string): SuiteName {
  return purposeNamed(purpose).suite;
}

/** Whether a key of this purpose answers to this kind; false for a purpose nobody knows. */
export function isPurposeFor(purpose: string, kind: RequestKindName): boolean {
  return PURPOSES.get(purpose)?.kinds.includes(kind) ?? false;
}
