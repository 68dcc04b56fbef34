/** What a key of a device may do beyond looking and stopping, which every key of an account may; in the order in which they are written. */
export const DEVICE_PRIVILEGES = ['use', 'make', 'manage'] as const;
export type DevicePrivilege = (typeof DEVICE_PRIVILEGES)[number];

/** As people read it. */
export const PRIVILEGE_WORDS: Readonly<Record<DevicePrivilege, string>> = {
  use: 'use keys',
  make: 'make keys',
  manage: 'manage devices and who holds keys',
};

/**
 * What a function takes of the key that a message is signed with. `look`: any key of the account. `carry`: any that may do anything, since it only carries
 * on what one of them began. `words`: the key of the words, and no other.
 */
export type Needs = 'look' | 'carry' | DevicePrivilege | 'words';

/** What the key that a message is signed with may do; null: everything, since it is the key of the words. */
export type KeyMay = readonly DevicePrivilege[] | null;

/** Whether a key that may do so much may do that. */
export function isAllowed(may: KeyMay, needs: Needs): boolean {
  if (may === null || needs === 'look') return true;
  if (needs === 'words') return false;
  return needs === 'carry' ? may.length > 0 : may.includes(needs);
}

/** What a key may do, in words: `look, use keys, make keys`. */
export function mayInWords(may: KeyMay): string {
  if (may === null) return 'everything';
  return ['look', ...may.map((one) => PRIVILEGE_WORDS[one])].join(', ');
}
