import { formatMoment } from '@ckm/foundation';
import { listed } from '../servers/faults.js';
import type { DoctorLine } from './doctor-line.js';
import type { Status } from './status.js';

/** An owner who was away learns for so long that somebody asked for his key. Seconds. */
const TOLD_FOR_SECONDS = 90 * 86_400;

/** Keys for which an heir asks, or has asked, because their owner was silent: whoever reads this is not. */
export function checkHeirs({ keys }: Pick<Status, 'keys'>, now: number): DoctorLine[] {
  return keys.flatMap(({ name, heirs }): DoctorLine[] => {
    const open = heirs.filter(({ isOpen }) => isOpen);
    if (open.length > 0) {
      const names = [...new Set(open.map(({ heir }) => heir))];
      const text = `is asked for by ${listed(names)}, as if its owner were dead, at ${listed(open.map(({ server }) => server))}`;
      const fix = 'give every server a sign of life: each that hears one ends it';
      return [{ level: 'fail', subject: name, text, fix }];
    }
    const late = heirs.filter(({ at }) => now - at < TOLD_FOR_SECONDS);
    if (late.length === 0) return [];
    const whoAndWhen = late.map(({ heir, server, at }) => `${heir} at ${server} on ${formatMoment(at)}`);
    const text = `was asked for while its owner was silent, by ${listed(whoAndWhen)}; that is over since the owner was heard`;
    return [
      { level: 'warn', subject: name, text, fix: 'give signs of life in time, and look why there were none' },
    ];
  });
}
