import { isAllowed } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call } from '../context.js';
import type { RequestRecord } from './request-record.js';

/** What is remembered of the key that asks: of an heir his name; of a device which, and when it came; of the words nothing. */
export function askedBy({
  account,
  by: { id, may },
  heir,
}: Call): Pick<RequestRecord, 'by' | 'cameAt' | 'heir'> {
  if (heir !== undefined) return { heir: heir.name };
  return may === null ? {} : { by: id, cameAt: cameAt(account, id) };
}

/** Whether a device is still there, has not been out of its account since it asked, and may use keys. */
export function stillAsks(
  account: Call['account'],
  by: Uint8Array,
  asked: Pick<RequestRecord, 'cameAt'>,
): boolean {
  const key = [...account.keys.devices.values()].find(({ id }) => equalBytes(id, by));
  return key !== undefined && isAllowed(key.may, 'use') && cameAt(account, by) === asked.cameAt;
}

/** UnixSeconds; compared with itself alone, since clocks are put back. */
function cameAt({ devices }: Call['account'], device: Uint8Array): number {
  return devices?.since.find(({ id }) => equalBytes(id, device))?.at ?? 0;
}
