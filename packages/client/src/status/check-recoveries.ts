import type { ClientContext } from '../context/context.js';
import { listCases } from '../recovery/cases.js';
import type { DoctorLine } from './doctor-line.js';
import type { Status } from './status.js';

/** Who wants an account of this owner, while he can still say no. Servers that do not answer are not asked again. */
export async function checkRecoveries(
  context: ClientContext,
  { servers }: Pick<Status, 'servers'>,
): Promise<readonly DoctorLine[]> {
  const answering = servers.filter(({ isReachable }) => isReachable).map(({ name }) => name);
  const { cases } = await listCases(context, answering);
  const waiting = cases.filter(({ state }) => state === 'waiting').map(({ server }) => server);
  return [...new Set(waiting)].map((server) => ({
    level: 'fail',
    subject: server,
    text: 'somebody wants your account there: when the delay is over, it answers no device of yours any more',
    fix: 'look who wants it, and say no if it is not you',
  }));
}
