import { deviceId, type DeviceKey, type DevicesDocument } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';

/** Devices that are not in the list any more, or may do less than before. */
export function lostBy(before: DevicesDocument, now: DevicesDocument): readonly Uint8Array[] {
  const still = new Map(now.keys.map((key) => [encodeHex(key.id), key]));
  return before.keys.filter((key) => losesAny(key, still.get(encodeHex(key.id)))).map(({ id }) => id);
}

function losesAny({ may }: DeviceKey, now: DeviceKey | undefined): boolean {
  return now === undefined || may.some((one) => !now.may.includes(one));
}

export function isOfWords({ by, words }: DevicesDocument): boolean {
  return equalBytes(by, deviceId(words));
}

/** Who signed a list, as the audit log names him. */
export function signerName(list: DevicesDocument): string {
  return isOfWords(list) ? 'the words' : `device ${encodeHex(list.by).slice(0, 8)}`;
}
