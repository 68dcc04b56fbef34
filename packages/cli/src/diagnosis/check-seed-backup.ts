import type { DoctorLine, SeedBackup, SeedBackupForm } from '@ckm/client';
import { dateOf } from '../terminal/instant.js';

const DAY_SECONDS = 86_400;
/** Paper gets lost: once a year somebody should look where it is. */
const OLD_SECONDS = 365 * DAY_SECONDS;
const SUBJECT = 'backup';

const SHOWN: Readonly<Record<SeedBackupForm, string>> = {
  words: 'the 24 words of the owner seed were last shown or typed in here on',
  shares: 'the 24 words of the owner seed were last shown or typed in here on',
};

/**
 * Whether the owner can have written down a backup of the seed, how long ago that was, and when it was last tried.
 * @param backup null: none was ever made here
 * @param now UnixSeconds
 * @param isDevice whether a device speaks here: then the seed cannot be shown any more
 */
export function checkSeedBackup(backup: SeedBackup | null, now: number, isDevice = false): DoctorLine {
  if (backup === null && isDevice)
    return {
      level: 'ok',
      subject: SUBJECT,
      text: 'the words never lay here; see that you have them: ckm seed verify',
    };
  if (backup === null) {
    const text = 'the 24 words of the owner seed were never shown here';
    return { level: 'warn', subject: SUBJECT, text, fix: 'write them down: ckm seed backup', isLocal: true };
  }
  const { shownAt, form, checkedAt } = backup;
  const tried = checkedAt === null ? '' : `, and tried on ${dateOf(checkedAt)}`;
  const text = `${SHOWN[form]} ${dateOf(shownAt)}${tried}`;
  if (now - Math.max(shownAt, checkedAt ?? 0) <= OLD_SECONDS) return { level: 'ok', subject: SUBJECT, text };
  const fix = isDevice
    ? 'see that you still have them: ckm seed verify'
    : 'see that you still have them: ckm seed verify; else make them anew: ckm seed backup';
  return { level: 'warn', subject: SUBJECT, text, fix, isLocal: true };
}
