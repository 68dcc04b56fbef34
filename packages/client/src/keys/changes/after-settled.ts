import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { followSettled } from '../forks/follow-settled.js';
import { unlessForked } from '../forks/unsettled.js';
import type { ReadKey } from '../keys.js';
import { catchUp } from './catch-up.js';

/**
 * Does something with a key. Where nothing comes of it, and servers show what was settled against the certificate on record here, that is taken over and it is
 * done once more, by the one that counts.
 * @throws as `work`; StateError `KEY_FORKED` where servers stand behind another certificate, and nothing settles which counts
 */
export async function afterSettled<T>(
  context: ClientContext,
  readKey: ReadKey,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!mayBeForked(error)) throw error;
    const { isNews, isTold } = await followSettled(context, await readKey(name), silentIn(error));
    if (isNews) await catchUp(context, await readKey(name));
    const again = async () => {
      if (!isNews && !isTold) throw error;
      return work();
    };
    return unlessForked(context, () => readKey(name), mayBeForked, again);
  }
}

/** What servers refuse with that stand behind another certificate. */
const MAY_BE_FORKED = [
  'KEY_EPOCH_DIFFERS',
  'KEY_LEFT',
  'KEY_FORKED',
  'CHANGE_SETTLED',
  'CHANGE_VOTES_TOO_FEW',
  'CERTIFICATE_OF_ANOTHER_KEY',
];

/** Whether it is worth looking whether a key is forked, after what came of using it. Whoever only waits, for servers or people, need not. */
function mayBeForked(error: unknown): error is CkmError {
  if (!(error instanceof CkmError)) return false;
  return MAY_BE_FORKED.includes(error.code) || error.facts['isOtherEpoch'] === true;
}

function silentIn({ facts: { silent } }: CkmError): readonly string[] {
  return Array.isArray(silent) ? silent.map(String) : [];
}
