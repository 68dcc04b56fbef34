import type { KeyRecord } from '../keys/key-record.js';
import type { DoctorLine } from './doctor-line.js';

/**
 * Keys that whoever speaks for their owner hands to other servers, or has given out whole, at once: by what was certified with them no operator is asked, nothing waits,
 * and nobody votes. Operators may have become stricter since, which is not known here.
 */
export function checkUnguarded(keys: readonly KeyRecord[]): readonly DoctorLine[] {
  return keys.filter(isUnguarded).map(({ name: subject }) => ({
    level: 'warn',
    subject,
    text: 'has neither operator nor delay: whoever has your words, or a device that may manage, gives it other servers at once',
    fix: 'have its operators wait or be asked, which they can add; or make another key, and move',
  }));
}

function isUnguarded({ policy: { changes, changeDelay, change } }: KeyRecord): boolean {
  return changes === 'automatic' && changeDelay === 0 && (change?.needed ?? 0) === 0;
}
