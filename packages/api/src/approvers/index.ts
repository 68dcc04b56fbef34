export {
  type ApproverAnswer,
  approverOf,
  assertAnswers,
  MOST_ANSWER_CHARACTERS,
  parseAnswer,
  writeAnswer,
} from './answer.js';
export type { ApproverCode } from './errors.js';
export {
  type ApproverInvitation,
  type GivenInvitation,
  type InvitingServer,
  MOST_INVITATION_CHARACTERS,
  parseInvitation,
  writeInvitation,
} from './invitation.js';
export type { Paper } from './paper.js';
export { type CarriedVote, MOST_VOTES_CHARACTERS, parseVotes, writeVotes } from './votes-paper.js';
