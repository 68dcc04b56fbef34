import { encodeHex, equalBytes } from '@ckm/foundation';
import { encodePublicKeys } from '@ckm/gordian';
import type { Account, RemovedDevice } from '../accounts/accounts.js';
import type { Accepted } from './accept-lists.js';
import type { Ages } from './quarantine.js';
import { isOfServer, isOfWords } from './lists.js';

/** As many as an account has devices. Of more those that were there first: a thief's came later. */
const MOST_REMOVED = 16;

/** Who may still stop what goes on. */
export interface RemovedBy {
  readonly removed: readonly RemovedDevice[];
  /** Those of them for whom it begins to count. */
  readonly fresh: readonly RemovedDevice[];
}

/**
 * Who may still stop what goes on behind these lists: whoever another device has taken out, if he was not young; until the words speak, or a recovery is
 * over. Whoever comes in between was young. No device takes that away again: who is let in once more and is taken out while he is young has what is left of his time.
 */
export function removedBy(
  { devices }: Pick<Account, 'devices'>,
  steps: readonly Pick<Accepted, 'list'>[],
  { isYoung, cameAt }: Pick<Ages, 'isYoung' | 'cameAt'>,
): RemovedBy {
  let removed = devices?.removed ?? [];
  let fresh: readonly RemovedDevice[] = [];
  const came = new Set<string>();
  for (const [i, { list }] of steps.entries()) {
    const before = steps[i - 1]?.list;
    if (before === undefined) continue;
    const isIn = (keys: typeof list.keys, id: Uint8Array) => keys.some((key) => equalBytes(key.id, id));
    for (const { id } of list.keys) if (!isIn(before.keys, id)) came.add(encodeHex(id));
    if (isOfWords(list) || isOfServer(list)) {
      [removed, fresh] = [[], []];
      continue;
    }
    const isOld = (id: Uint8Array) => !came.has(encodeHex(id)) && !isYoung(id);
    const gone = before.keys.filter(
      ({ id }) => !isIn(list.keys, id) && !equalBytes(id, list.by) && isOld(id),
    );
    const now = gone.map(({ id, publicKeys }) => ({
      id,
      publicKeys: encodePublicKeys(publicKeys),
      at: cameAt(id),
    }));
    removed = withFresh(removed, now);
    fresh = withFresh(fresh, now);
  }
  const kept = removed.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0)).slice(0, MOST_REMOVED);
  return { removed: kept, fresh: fresh.filter((one) => kept.includes(one)) };
}

function withFresh(
  before: readonly RemovedDevice[],
  now: readonly RemovedDevice[],
): readonly RemovedDevice[] {
  const isNow = ({ publicKeys }: RemovedDevice) => now.some((one) => equalBytes(one.publicKeys, publicKeys));
  return [...before.filter((one) => !isNow(one)), ...now];
}
