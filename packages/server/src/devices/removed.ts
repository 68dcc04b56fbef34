import { equalBytes } from '@ckm/foundation';
import { encodePublicKeys } from '@ckm/gordian';
import type { Account, RemovedDevice } from '../accounts/accounts.js';
import type { Accepted } from './accept-lists.js';
import type { Ages } from './quarantine.js';
import { isOfServer, isOfWords } from './lists.js';

/** As many as an account has devices. Of more the first: they were there before a thief could add his. */
const MOST_REMOVED = 16;

/**
 * Who may still stop what goes on behind these lists: whoever another device has taken out, if he was not young; until the words speak, or a recovery is
 * over. Whoever comes and goes in between was young.
 */
export function removedBy(
  { devices }: Pick<Account, 'devices'>,
  steps: readonly Pick<Accepted, 'list'>[],
  { isYoung }: Pick<Ages, 'isYoung'>,
): readonly RemovedDevice[] {
  let removed = devices?.removed ?? [];
  for (const [i, { list }] of steps.entries()) {
    const before = steps[i - 1]?.list;
    if (before === undefined) continue;
    const isIn = (id: Uint8Array) => list.keys.some((key) => equalBytes(key.id, id));
    if (isOfWords(list) || isOfServer(list)) {
      removed = [];
      continue;
    }
    const gone = before.keys.filter(({ id }) => !isIn(id) && !equalBytes(id, list.by) && !isYoung(id));
    const fresh = gone.map(({ id, publicKeys }) => ({ id, publicKeys: encodePublicKeys(publicKeys) }));
    removed = [...removed.filter(({ id }) => !isIn(id)), ...fresh].slice(0, MOST_REMOVED);
  }
  return removed;
}
