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

/** Whether the server let somebody in by recovery. */
export function isOfServer({ recovery }: DevicesDocument): boolean {
  return recovery !== undefined;
}

/** Who signed a list, as the audit log names him. */
export function signerName(list: DevicesDocument): string {
  if (isOfServer(list)) return 'the server, for a recovery';
  return isOfWords(list) ? 'the words' : `device ${encodeHex(list.by).slice(0, 8)}`;
}

/** Everybody who lost something in any of these steps: also whoever was put back in the next one. */
export function lostIn(steps: readonly { readonly list: DevicesDocument }[]): readonly Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const [i, { list }] of steps.entries()) {
    const before = steps[i - 1];
    if (before === undefined) continue;
    for (const id of lostBy(before.list, list)) found.set(encodeHex(id), id);
  }
  return [...found.values()];
}

export function devicesInWords(count: number): string {
  if (count === 0) return 'no device';
  return count === 1 ? 'one device' : `${count} devices`;
}

/** What the audit log says of lists that came into force. */
export function detailOf(
  lists: readonly { readonly list: DevicesDocument }[],
  lost: readonly Uint8Array[],
): string {
  const signers = lists.map(({ list }) => signerName(list));
  const ended = lost.map((id) => `; less or nothing for device ${encodeHex(id).slice(0, 8)}`);
  return `signed with ${[...new Set(signers)].join(', ')}${ended.join('')}`;
}
