import { encodeHex } from '@ckm/foundation';
import { type ApproverKey, listApproverKeys } from '../approver/approver-key.js';
import type { ApproverMeans } from '../approver/look.js';
import { askForKey, doubtSilence, type KeySilence, lookAtKey } from './ask.js';
import { heirKeyAmbiguous, heirKeyUnknown } from './heir-errors.js';

/** Every key whose terms name an approver for when its owner is silent, as its servers show it. */
export async function listSilence(means: ApproverMeans): Promise<readonly KeySilence[]> {
  const views: KeySilence[] = [];
  for (const key of await listApproverKeys(means.store)) {
    const view = await lookAtKey(means, key);
    if (view !== null) views.push(view);
  }
  return views;
}

/** Opens a case at every server of a key, or goes on with it: called again until its use is granted. @throws as {@link findHeirKey} */
export async function askAsHeir(means: ApproverMeans, name: string): Promise<KeySilence> {
  return askForKey(means, await findHeirKey(means, name));
}

/** Has the days of a case begin anew. @throws as {@link findHeirKey} */
export async function doubtAsHeir(means: ApproverMeans, name: string): Promise<KeySilence> {
  return doubtSilence(means, await findHeirKey(means, name));
}

const DIGITS = /^[0-9a-f]{8,64}$/;

/**
 * A key that its approver was invited for. Nobody is asked.
 * @param name what its owner calls it, or the first digits of its id
 * @throws UsageError `HEIR_KEY_UNKNOWN`, `HEIR_KEY_AMBIGUOUS`
 */
export async function findHeirKey(
  { store }: Pick<ApproverMeans, 'store'>,
  name: string,
): Promise<ApproverKey> {
  const isMeant = ({ keyName, keyId }: ApproverKey) =>
    keyName === name || (DIGITS.test(name) && encodeHex(keyId).startsWith(name));
  const [found, other] = (await listApproverKeys(store)).filter(isMeant);
  if (other !== undefined) throw heirKeyAmbiguous(name);
  if (found === undefined) throw heirKeyUnknown(name);
  return found;
}
