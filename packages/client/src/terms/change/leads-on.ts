import { parseTermsChange, type TermsLink } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { HeardStandings } from './standing.js';
import { comesFrom, type KnownTerms, lastCommon } from './terms-graph.js';

/** One server that lies says any number; honest ones are not further ahead of each other. */
const MOST_AHEAD = 100_000;
/** By a device servers take no number that leaves out more. */
const MOST_BY_DEVICES = 10_000;

/** From where a change leads on. */
export interface LeadsOn {
  readonly before: KnownTerms;
  /** The number of the change. */
  readonly version: number;
  /** Whether what was proposed before leads on from there as well, so that it may go on. */
  isStill(proposed: TermsLink): boolean;
}

/**
 * From which terms a change leads on that every server which answers takes. Where so few have the newest ones or what is before them that the others would never be
 * made to go over, it takes back what those have gone on to alone: the next number is used up there, and what has it is refused for good.
 */
export function leadsOn(heard: HeardStandings): LeadsOn {
  const { newest, common, quorum } = heard;
  const held = heldBy(heard);
  const along = held.filter((one) => comesFrom(newest, one));
  const apart = aheadOf(heard, common, MOST_BY_DEVICES).filter((one) => !comesFrom(newest, one));
  if (apart.length === 0 || along.length >= quorum.needed)
    return { before: newest, version: newest.version + 1, isStill: () => true };
  const before = apart.reduce(lastCommon, newest);
  const ahead = aheadOf(heard, before, MOST_BY_DEVICES);
  return {
    before,
    version: Math.max(...ahead.map(({ version }) => version)) + 1,
    isStill: (proposed) => isAbove(proposed, before, ahead),
  };
}

/** What servers that answer have in force beyond some terms. */
export function aheadOf(heard: HeardStandings, older: KnownTerms, most = MOST_AHEAD): readonly KnownTerms[] {
  return heldBy(heard)
    .filter((one) => one !== older && comesFrom(one, older))
    .filter(({ version }) => version <= older.version + most);
}

/** Whether a change follows some terms with a number above all that servers have gone on to, unless they have gone on by it. */
export function isAbove({ statement }: TermsLink, before: KnownTerms, ahead: readonly KnownTerms[]): boolean {
  const { previous, version, termsHash } = parseTermsChange(statement);
  const isOnly = ahead.every((one) => one.version < version || equalBytes(one.hash, termsHash));
  return equalBytes(previous, before.hash) && isOnly;
}

function heldBy({ heard, termsAt }: HeardStandings): readonly KnownTerms[] {
  return heard.flatMap((one) => termsAt(one) ?? []);
}
