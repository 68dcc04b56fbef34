import type { DoctorLine } from './doctor-line.js';
import type { Status } from './status.js';

/** Keys whose owner, by their terms, is a device that the account has no more. */
export function checkOwners({ ownerless = [] }: Pick<Status, 'ownerless'>): readonly DoctorLine[] {
  return ownerless.map((key) => ({
    level: 'warn',
    subject: key,
    text: 'has a device as its owner that was removed: servers that were shown so hear it no more, and nobody but devices on the list of the key asks its people',
    fix: 'name this device its owner; people of its terms say yes',
    remedy: { kind: 'ownKey', key },
  }));
}
