import type { DoctorLine } from '@ckm/client';

const DAY_SECONDS = 86_400;
/** Paper gets lost: once a year somebody should look where it is. */
const OLD_SECONDS = 365 * DAY_SECONDS;
const SUBJECT = 'backup';

/**
 * Whether the owner can have written down the words of the seed, and how long ago that was.
 * @param shownAt UnixSeconds; null: never here
 * @param now UnixSeconds
 */
export function checkSeedBackup(shownAt: number | null, now: number): DoctorLine {
  if (shownAt === null) {
    const text = 'the 24 words of the owner seed were never shown here';
    return { level: 'warn', subject: SUBJECT, text, fix: 'write them down: ckm seed backup', isLocal: true };
  }
  const day = new Date(shownAt * 1000).toISOString().slice(0, 10);
  const text = `the 24 words of the owner seed were last shown here on ${day}`;
  if (now - shownAt <= OLD_SECONDS) return { level: 'ok', subject: SUBJECT, text };
  const fix = 'see that you still have them; write them down anew: ckm seed backup';
  return { level: 'warn', subject: SUBJECT, text, fix, isLocal: true };
}
