import { AccessError, type CkmError, StateError } from '@ckm/foundation';

const AGAIN = 'vote again on what this server shows now';

/** What can be wrong with a vote of the right form: what is said of it, and what to do. */
const FAULTS = {
  VOTE_FOR_OTHER_SERVERS: ['the vote is meant for other servers than this one', AGAIN],
  VOTE_FOR_OTHER_KEY: ['the vote is about another key', AGAIN],
  VOTE_UNDER_OTHER_TERMS: ['the vote was given under other terms than those in force here', AGAIN],
  VOTE_IN_OTHER_MATTER: ['the vote is about another matter than the one it came with', AGAIN],
  VOTE_FOR_OTHER_REQUESTER: ['the vote is for somebody else than who asks here', AGAIN],
  VOTE_ON_OTHER_CONTENT: [
    'the vote is on other content than this server was asked to sign',
    'compare what each server shows: one of them, or the client, shows something false',
  ],
  VOTE_NOT_YET: ['the vote is dated later than this server’s clock', 'compare the clocks, and vote again'],
  VOTE_EXPIRED: ['the vote has expired', AGAIN],
  VOTE_LASTS_TOO_LONG: ['the vote would count for longer than votes do', AGAIN],
  VOTE_NOT_BY_APPROVER: [
    'the vote is by nobody whom the terms of the key name',
    'compare the terms of the key with who voted',
  ],
  VOTE_BY_REQUESTER: [
    'the vote is by whoever asks, or by somebody whom this change takes away',
    'ask another approver',
  ],
  VOTE_SUPERSEDED: [
    'a newer word of the same approver is here',
    'see what you said last, and vote again with a higher number',
  ],
  VOTES_FINAL: [
    'this server has given its part by what was said before',
    'nothing said now changes it here; say it to the other servers',
  ],
  VOTE_NOT_PROVEN: [
    'the proof of the vote is not by a key of this approver',
    'vote again with a key that the terms name',
  ],
} as const;

/** What is wrong with a vote, as the code of the refusal. */
export type VoteFault = keyof typeof FAULTS;

const OF_ACCESS: readonly VoteFault[] = ['VOTE_NOT_BY_APPROVER', 'VOTE_BY_REQUESTER', 'VOTE_NOT_PROVEN'];

/** The same for all who judge votes. AccessError where it is about who voted, else StateError. */
export function voteRefused(fault: VoteFault): CkmError {
  const [message, hint] = FAULTS[fault];
  if (OF_ACCESS.includes(fault)) return new AccessError(message, { code: fault, hint });
  return new StateError(message, { code: fault, hint, retryable: false });
}
