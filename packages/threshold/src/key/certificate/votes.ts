import { concatBytes, PeerFaultError } from '@ckm/foundation';
import { layoutInvalid, type LayoutReader, readLayout, uint32be, uint8 } from '../../protocol/layout.js';
import type { PartyIndex } from '../../protocol/contract.js';
import {
  type Decision,
  membersOf,
  settlersOf,
  verifyDecision,
  verifyDecisionOrRelease,
} from '../../protocols/change/index.js';
import {
  encodePromises,
  encodeSigners,
  MAX_PROMISES_BYTES,
  MAX_SIGNERS_BYTES,
  readLocks,
  readPromises,
  readYields,
} from '../../protocols/change/statement-layout.js';
import { isAttempt } from '../../protocols/change/statements.js';
import type { ChangeVotes, DecidedChange, VoteJudge } from './change.js';

const LAYOUT_VERSION = 1;
const WHAT = 'the votes of a change';

/**
 * The blocks of a change's certificate that hold what old members decided: promises and locks in one, yields in the other.
 * @throws EncodingError `LAYOUT_INVALID` where a statement is of another attempt or transcript, or a member speaks twice
 */
export function encodeVotes(decision: Decision): ChangeVotes {
  const { attempt, promises, locks, yields } = decision;
  if (!isAttempt(attempt)) throw layoutInvalid(WHAT);
  const head = concatBytes(uint8(LAYOUT_VERSION), uint32be(attempt));
  return {
    promises: concatBytes(head, encodePromises(attempt, promises), encodeSigners('lock', decision, locks)),
    yields: concatBytes(head, encodeSigners('yield', decision, yields)),
  };
}

/**
 * Reads what {@link encodeVotes} wrote, and nothing else. Proves nothing.
 * @param next 32 bytes: transcript hash of the next epoch, which they are about
 * @throws EncodingError `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, `PARTY_INDEX_INVALID`
 */
export function parseVotes(votes: ChangeVotes, next: Uint8Array): Decision {
  const reader = readLayout(votes.promises, WHAT, 5 + MAX_PROMISES_BYTES + MAX_SIGNERS_BYTES);
  const attempt = readHead(reader);
  const promises = readPromises(reader, attempt);
  const locks = readLocks(reader, { attempt, next });
  reader.end();
  const yielding = readLayout(votes.yields, WHAT, 5 + MAX_SIGNERS_BYTES);
  if (readHead(yielding) !== attempt) throw layoutInvalid(WHAT);
  const yields = readYields(yielding, { attempt, next });
  yielding.end();
  return { attempt, next, promises, locks, yields };
}

/**
 * The judge of every change: enough members of the epoch before promised, locked and gave way, in one attempt, each
 * signed by its identity; or a quorum of them who say that the owner's words have released them for one order: see {@link isByWords}.
 * @throws PeerFaultError `CHANGE_NOT_DECIDED` · EncodingError as {@link parseVotes}
 */
export const judgeVotes: VoteJudge = (votes, { before, transcriptHash }) => {
  const members = membersOf(before.params, before.transcriptHash);
  if (verifyDecisionOrRelease(members, parseVotes(votes, transcriptHash))) return;
  throw new PeerFaultError('too few servers of the epoch before decided on this change', {
    code: 'CHANGE_NOT_DECIDED',
    hint: 'ask another server for the certificate; while all show the same, do not follow this change',
    facts: { needed: members.needed },
  });
};

/**
 * Whether what holds by {@link judgeVotes} stands by the owner's words alone, fewer members than decide having said so: another next epoch may stand
 * beside it, now or ever.
 * @throws EncodingError as {@link parseVotes}
 */
export function isByWords(
  votes: ChangeVotes,
  { before, transcriptHash }: Pick<DecidedChange, 'before' | 'transcriptHash'>,
): boolean {
  const members = membersOf(before.params, before.transcriptHash);
  return !verifyDecision(members, parseVotes(votes, transcriptHash));
}

/**
 * The judge of a settlement: a change whose votes are those by which members settled on it, where several changes of their epoch hold.
 * @param twice slots that the certificates show to have signed twice
 * @throws PeerFaultError `CHANGE_NOT_SETTLED` · EncodingError as {@link parseVotes}
 */
export function judgeSettlement(twice: readonly PartyIndex[]): VoteJudge {
  return (votes, { before, transcriptHash }) => {
    const members = settlersOf(before.params, before.transcriptHash, twice);
    if (verifyDecision(members, parseVotes(votes, transcriptHash))) return;
    throw new PeerFaultError('too few servers of the epoch before settled on this change', {
      code: 'CHANGE_NOT_SETTLED',
      hint: 'go on with settling it: enough of them have to say the same',
      facts: { needed: members.needed },
    });
  };
}

function readHead(reader: LayoutReader): number {
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  return reader.uint32be();
}
