import { type Secret, wipe } from '@ckm/foundation';
import { approverIdentity } from '../approver/approver-identity.js';
import type { Owner } from '../owner/owner.js';
import { deriveRecordKey } from '../store/record-seal.js';
import { heirMayNot } from './heir-errors.js';
import { type HeirKeyMeant, heirLink } from './heir-link.js';

/**
 * Whoever uses the key of an owner who is silent, as the terms of that key call him: the same to all its servers, and to nobody else.
 * @param approver 32 bytes; its own from now on, and wiped with it
 * @param name what the terms call him
 */
export function heirOwner(approver: Secret<Uint8Array>, meant: HeirKeyMeant, name: string): Owner {
  const recordKey = deriveRecordKey(approver);
  const identity = () => approverIdentity(approver, meant.keyId);
  return {
    device: null,
    words: null,
    household: null,
    recordKey,
    identityAt: identity,
    identityForKey: identity,
    asking: (link) => heirLink(link, meant, name),
    learn: () => {
      throw heirMayNot('account.open');
    },
    wipe: () => {
      for (const one of [approver, recordKey.mac]) wipe(one);
    },
  };
}
