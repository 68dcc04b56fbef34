import { isDrillKeyId, type Result } from '@ckm/api';
import { compareBytes, encodeHex } from '@ckm/foundation';
import type { CallOptions, ServerLink } from '../../carrier/server-link.js';

export type HeldKey = Result<'key.list'>['keys'][number];

/** What one server says it holds of ours. */
export interface HeldKeys {
  readonly keys: readonly HeldKey[];
  /** What is wrong with the list, when it was not read to its end or lacks keys; for people. */
  readonly complaint: string | null;
}

/** At most this many keys of one server are looked at: a list without end must not keep its reader for ever. */
export const MOST_HELD = 4_096;

function complaintAbout(unreadable: readonly Uint8Array[]): string | null {
  if (unreadable.length === 0) return null;
  const names = unreadable.slice(0, 3).map((keyId) => encodeHex(keyId).slice(0, 8));
  return `cannot read what it has stored of key ${names.join(', ')}${unreadable.length > 3 ? ' and others' : ''}`;
}

/**
 * Reads a server's whole list of our keys, page by page, until it ends or turns out to be none.
 * @throws as `ServerLink.call`
 */
export async function listHeldKeys(link: ServerLink, options: CallOptions = {}): Promise<HeldKeys> {
  const keys: HeldKey[] = [];
  const unreadable: Uint8Array[] = [];
  let after: Uint8Array | null = null;
  for (;;) {
    const page: Result<'key.list'> = await link.call('key.list', { after }, options);
    for (const key of page.keys) {
      if (after !== null && compareBytes(key.keyId, after) <= 0) {
        return { keys, complaint: 'lists your keys in a circle' };
      }
      after = key.keyId;
      // Nobody's money, and forgotten by itself: a drill takes care of it.
      if (!isDrillKeyId(key.keyId)) keys.push(key);
      if (keys.length === MOST_HELD) return { keys, complaint: `lists ${MOST_HELD} keys or more` };
    }
    unreadable.push(...(page.unreadable ?? []));
    if (page.next === null) return { keys, complaint: complaintAbout(unreadable) };
    const isEmpty = page.keys.length === 0 && (page.unreadable ?? []).length === 0;
    const isBack = after !== null && compareBytes(page.next, after) < (page.keys.length === 0 ? 1 : 0);
    if (isEmpty || isBack) {
      return { keys, complaint: 'lists your keys in a circle' };
    }
    if (unreadable.length > MOST_HELD) return { keys, complaint: complaintAbout(unreadable) };
    after = page.next;
  }
}
