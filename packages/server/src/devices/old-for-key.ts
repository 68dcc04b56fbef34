import { deviceTooYoung, type DevicesDocument, numberInBand } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { ProvenDevices } from '../sessions/keys/proven-devices.js';
import { isOfWords, lostBy } from './lists.js';
import { type Ages, LAST_OF_YOUNG } from './quarantine.js';

/**
 * What judges whether whoever signed a list of a key is there long enough for it (P2): he, and not whoever brings it, is a device of the account that is young, or is
 * none, or nobody has shown here which. He takes nobody off who was there before him, nor the numbers with which they take him off.
 * @returns throws StateError `DEVICE_TOO_YOUNG`
 */
export function oldForKey(
  proven: ProvenDevices,
  ages: Ages,
): (before: DevicesDocument, next: DevicesDocument) => void {
  const deviceOf = (id: Uint8Array) => proven.get(encodeHex(id)) ?? null;
  return (before, next) => {
    const by = deviceOf(next.by);
    // The words, unless a device is the owner: he is as old as that, and out of the account he is nobody's elder.
    if (by === null && isOfWords(next)) return;
    if (by !== null && !ages.isYoung(by)) return;
    const isOlder = (id: Uint8Array) => {
      const device = deviceOf(id);
      if (by === null || device === null) return true;
      return !ages.isYoung(device) || ages.cameAt(device) < ages.cameAt(by);
    };
    const others = lostBy(before, next).filter((id) => !equalBytes(id, next.by));
    if (numberInBand(next) > LAST_OF_YOUNG || others.some(isOlder)) throw deviceTooYoung();
  };
}
