import type { DoctorLine } from './doctor-line.js';
import type { Status } from './status.js';

/** Who wants an account of this owner, while he can still say no. */
export function checkRecoveries({ recoveries = [] }: Pick<Status, 'recoveries'>): readonly DoctorLine[] {
  return [...new Set(recoveries.map(({ server }) => server))].map((server) => ({
    level: 'fail',
    subject: server,
    text: 'somebody wants your account there: when the delay is over, it answers no device of yours any more',
    fix: 'look who wants it, and say no if it is not you',
  }));
}
