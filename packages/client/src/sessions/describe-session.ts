import type { Ceremony } from './ceremony.js';
import { boardOf, isRoundComplete } from './packets.js';
import { ceremonyOf } from './run-session.js';
import type { SessionRecord } from './session-record.js';

/** What a person reads of a session. */
export interface SessionWords {
  /** What goes on, as in "making treasury". */
  readonly title: string;
  readonly details: readonly (readonly [label: string, text: string])[];
}

/** Also of a session that a later version began: what it is cannot be said then, and everything else can. */
export function describeSession(ceremonies: readonly Ceremony[], session: SessionRecord): SessionWords {
  const servers = ['With', session.servers.map(({ name }) => name).join(', ')] as const;
  if (!ceremonies.some(({ kind }) => kind === session.proposal.kind)) {
    return { title: `${session.proposal.kind} with ${session.keyName}`, details: [servers] };
  }
  const ceremony = ceremonyOf(ceremonies, session);
  const all = ceremony.rounds.length;
  return {
    title: ceremony.title(session),
    details: [...ceremony.details(session), servers, ['Rounds', `${roundsOf(ceremony, session)} of ${all}`]],
  };
}

/** How many rounds are complete. */
function roundsOf(ceremony: Ceremony, session: SessionRecord): number {
  if (session.parameters === null) return 0;
  const plan = ceremony.plan(session.parameters, session);
  const board = boardOf(session);
  return ceremony.rounds.filter((_, round) => isRoundComplete(plan, board, round)).length;
}
