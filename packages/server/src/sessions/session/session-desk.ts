import { taggedHash } from '@ckm/threshold';
import { encodeData, isLikenessOf } from '@ckm/gordian';
import { equalBytes } from '@ckm/foundation';
import type { SeenSession, SessionDesk, WaitingSession } from '../../context.js';
import type { SessionRow, Transaction } from '../../storage/storage.js';
import { demand, refusal } from '../../refusals.js';
import { checkReason, detailAs, quoteReason } from '../operator-reason.js';
import { approveDraft, declineDraft, endDraft } from './session-draft.js';
import { openSessionToShow, type StoredSession } from './session-record.js';
import {
  findSessionRow,
  ownOrigin,
  reviseSession,
  roomFor,
  type Change,
  type SessionMeans,
} from './session-revise.js';

const PAGE = 64;

/** Where the operator says yes or no to ceremonies that a room asks people about. */
export function createSessionDesk(server: SessionMeans): SessionDesk {
  const { context } = server;

  async function decide(seen: SeenSession, change: Change, decided: 'approved' | 'rejected', detail: string) {
    const row = await context.storage.read((reader) => findSessionRow(reader, seen));
    const deed = `operator.${decided === 'approved' ? 'approve' : 'reject'}`;
    const origin = { ...ownOrigin(context, row), entry: { deed, verdict: decided, detail } };
    await reviseSession(server, origin, async (draft, drafting, transaction) => {
      const { session } = draft;
      demand(session.state === 'proposed', 'SESSION_NOT_WAITING', `the session is ${session.state}`);
      await assertActive(transaction, session.row);
      const isSeen = equalBytes(hashOf(session), seen.proposalHash);
      demand(isSeen, 'SESSION_NOT_AS_SEEN', 'what waits under this id is not what was looked at');
      return change(draft, drafting, transaction);
    });
  }

  function shown(row: SessionRow): WaitingSession {
    const session = openSessionToShow(context, row);
    const { owner, sessionId, keyId, createdAt, expiresAt } = row;
    const { proposal, operator, waiting = null } = session.record;
    const { kind } = proposal;
    const left = operator === undefined || waiting === null ? 0 : waiting.needed - waiting.counted;
    const readyAt = left > 0 ? context.clock() + left : null;
    const asked = operator === undefined || operator === 'asked';
    const sentence = roomFor(server.rooms, kind).sentence(proposal);
    const proposalHash = hashOf(session);
    return { owner, sessionId, keyId, kind, proposalHash, sentence, asked, readyAt, createdAt, expiresAt };
  }

  return {
    async list(after = null) {
      const rows = await context.storage.read(({ sessions }) =>
        sessions.listWaiting(context.clock(), after, PAGE),
      );
      const last = rows.length < PAGE ? undefined : rows.at(-1);
      const next = last === undefined ? null : { sessionId: last.sessionId, owner: last.owner };
      return { sessions: rows.map(shown), next };
    },
    count: () => context.storage.read(({ sessions }) => sessions.countListed(context.clock())),
    approve: (seen, as = null, words = '') =>
      decide(
        seen,
        (draft, drafting) => {
          const { room } = drafting;
          const named = room.words?.(draft.session.record.proposal);
          if (named !== undefined && !isLikenessOf(words, named)) throw wordsWrong();
          return approveDraft(drafting, draft);
        },
        'approved',
        detailAs('', as),
      ),
    reject: async (seen, reason, as = null) => {
      const said = checkReason(reason);
      const detail = detailAs(quoteReason(said), as);
      await decide(
        seen,
        (draft, { room }) => declineDraft(room, endDraft(draft, 'rejected', { reason: said })),
        'rejected',
        detail,
      );
    },
  };
}

function wordsWrong() {
  return refusal('SESSION_WORDS_WRONG', 'these are not the six words of this ceremony');
}

async function assertActive(transaction: Transaction, { owner }: SessionRow): Promise<void> {
  const account = await transaction.accounts.find(owner);
  demand(account?.status === 'active', 'SESSION_NOT_WAITING', 'the account behind this session is suspended');
}

/** What is proposed, under which ids and until when: a yes is a yes to this and nothing else. */
function hashOf({ row: { owner, sessionId, expiresAt }, record: { proposal } }: StoredSession): Uint8Array {
  return taggedHash('CKM/session/proposal/v1', owner, sessionId, encodeData({ expiresAt, proposal }));
}
