import type { NotifyConfig } from '../config/config.js';
import type { Occasion } from './notice.js';

const DAY_MINUTES = 1_440;

/** Whether a moment lies in the quiet hours, which may go over midnight. @param now UnixSeconds */
export function isQuiet({ quiet }: Pick<NotifyConfig, 'quiet'>, now: number): boolean {
  if (quiet === null) return false;
  const [from, to] = [minutesOf(quiet.from), minutesOf(quiet.to)];
  const minute = Math.floor(now / 60) % DAY_MINUTES;
  return from <= to ? from <= minute && minute < to : minute >= from || minute < to;
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return hours! * 60 + minutes!;
}

/** Whether nobody has to be woken by it: it waits for an answer, and is there in the morning. All else has happened, or is over unless somebody stops it. */
export function canWait({ event }: Pick<Occasion, 'event'>): boolean {
  return event === 'waiting';
}
