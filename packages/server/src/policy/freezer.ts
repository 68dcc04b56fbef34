/** What its owner stops. */
export type Frozen = 'key' | 'account';

/** One person, as days are counted. `devices`: all of an owner's together, so that none gets more days by adding another. `name`: of an approver, in the terms. */
export type Freezer =
  | { readonly who: 'owner' }
  | { readonly who: 'devices' }
  | { readonly who: 'approver'; readonly name: string };

/** Who froze a key, as people read it. */
export function freezerInWords(by: Freezer | undefined): string {
  if (by?.who === 'approver') return by.name;
  return by?.who === 'owner' ? 'the words of its owner' : 'its owner';
}
