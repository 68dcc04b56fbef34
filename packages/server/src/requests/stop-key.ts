import { keyFrozen, keyStopped } from '../policy/codes.js';
import { findTightening, NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import type { ActiveKey } from '../sessions/keys/active-keys.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { noteTightened } from '../sessions/keys/stored/note-marks.js';
import type { Transaction } from '../storage/storage.js';
import type { RequestMeans } from './means.js';

/** The code of an attempt whose share was wrong as computed here, and was not released. */
export const SHARE_WRONG = 'SIGNATURE_SHARE_WRONG';

/**
 * Stops a key: where one share came out wrong the next one may give the key away, bit by bit, to whoever provokes the
 * fault. It answers nothing more until the operator has looked and releases it.
 */
export async function stopKey(
  { context }: RequestMeans,
  transaction: Transaction,
  key: ActiveKey,
  requestId: Uint8Array,
): Promise<void> {
  const { vault, audit, events, clock } = context;
  const { owner, keyId } = key;
  const row = await holdRecalled(context, transaction, key);
  if (row === null) return;
  // As it is now: the operator may have tightened it since the key was found.
  const { tightened } = openHead(context, row);
  const before = (await findTightening(vault, transaction, { owner, keyId, tightened })) ?? NO_TIGHTENING;
  const stored = await storeTightening(vault, transaction, key, { ...before, stoppedAt: clock() });
  await noteTightened(context, transaction, row, stored);
  await audit.append(transaction, {
    deed: 'key.stopped',
    who: null,
    keyId,
    subject: requestId,
    sentence: 'Stop a key, because a share computed here was wrong.',
    verdict: 'done',
    policy: '',
    detail: SHARE_WRONG,
  });
  events.keyStopped({ suite: key.context.suite });
}

/** Nothing is computed with a key of which a share came out wrong. @throws PolicyError `POLICY_KEY_STOPPED` */
export function assertNotStopped({ keyId, stoppedAt }: ActiveKey): void {
  if (stoppedAt !== null) throw keyStopped(keyId);
}

/**
 * Nothing is prepared with a key that answers nothing.
 * @param now UnixSeconds
 * @throws PolicyError `POLICY_KEY_STOPPED`, `POLICY_KEY_FROZEN`
 */
export function assertAnswers(key: ActiveKey, now: number): void {
  assertNotStopped(key);
  if (isFrozen(key, now)) throw keyFrozen(key.frozenUntil!, key.frozenBy);
}

/** Whether its owner has stopped it for a while. */
export function isFrozen({ frozenUntil }: Pick<ActiveKey, 'frozenUntil'>, now: number): boolean {
  return frozenUntil !== null && now < frozenUntil;
}
