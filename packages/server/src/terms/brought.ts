import {
  assertChangeOfTerms,
  type KeyTerms,
  parseTerms,
  parseTermsChange,
  type TermsChange,
  termsRefusal,
  type TermsLink,
  versionOf,
} from '@ckm/api';
import { EncodingError } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import { demand } from '../refusals.js';
import { acceptKey } from '../sessions/dkg/new-key.js';
import type { KeyWithTerms } from './held-key.js';
import type { TermsMeans } from './means.js';
import type { Step } from './poll.js';

/** How many numbers terms may leave out that come into force at once: with those that wait there is time to look. */
export const MOST_AHEAD_AT_ONCE = 64;

/** A change as it was brought: read, and nothing else yet. */
export interface Brought {
  readonly link: TermsLink;
  readonly change: TermsChange;
  readonly after: KeyTerms;
}

/** @throws EncodingError `TERMS_…`, `CBOR_…` */
export function readBrought(link: TermsLink): Brought {
  const change = parseTermsChange(link.statement);
  return { link, change, after: parseTerms(link.terms, REQUEST_FACTS) };
}

/** That the key can have such terms here, and those whom they name can be asked. */
export function assertUsable(
  { context, isUsablePasskey }: TermsMeans,
  { row, head }: KeyWithTerms,
  after: KeyTerms,
): void {
  const { suite, purpose } = head;
  acceptKey(context, { keyId: row.keyId, suite, purpose, policy: after });
  for (const { name, keys } of after.approvers ?? []) {
    const areUsable = keys.every((one) => one.kind !== 'passkey' || isUsablePasskey(one));
    demand(areUsable, 'TERMS_PASSKEY_UNUSABLE', `a passkey of ${name} cannot be verified`);
  }
}

/** A change that does not follow the terms in force. */
export function wrongVersion(inForce: KeyTerms) {
  const version = versionOf(inForce);
  return termsRefusal('TERMS_VERSION_WRONG', `terms ${version} of this key are in force here`, { version });
}

/** Whether a change leads from some terms to the next. */
export function isNext(step: Step, keyId: Uint8Array): boolean {
  try {
    assertChangeOfTerms(step.change, { keyId, ...step });
    return true;
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}
