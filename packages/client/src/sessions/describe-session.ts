import type { Ceremony } from './ceremony.js';
import { boardOf, isRoundComplete } from './packets.js';
import { ceremonyOf } from './run-session.js';
import type { SessionRecord } from './session-record.js';
import { stepsOf } from './session-run.js';

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
  return {
    title: ceremony.title(session),
    details: [...ceremony.details(session), servers, ['Step', stepText(ceremony, session)]],
  };
}

/** The step that it stands at, counted as progress counts them: the proposal, each round, and the end. */
function stepText(ceremony: Ceremony, session: SessionRecord): string {
  const all = stepsOf({ ceremony });
  if (session.state === 'finished') return `${all} of ${all}`;
  if (session.parameters === null) return `1 of ${all}`;
  const plan = ceremony.plan(session.parameters, session);
  const board = boardOf(session);
  const open = ceremony.rounds.findIndex((_, round) => !isRoundComplete(plan, board, round));
  return `${open === -1 ? all : open + 2} of ${all}`;
}
