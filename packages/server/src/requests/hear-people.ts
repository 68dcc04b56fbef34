import { type Awaited, type Ballot, holdVotes, type RefusedVote, type RequestAsk, silentIn } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Call, MatterOfPeople, PeopleSaid } from '../context.js';
import { termsInForce } from '../policy/terms.js';
import type { Transaction } from '../storage/storage.js';
import { type JudgedVotes, judgeVotes } from '../votes/judge-vote.js';
import { nameOf, pollingOf, type StoredMatter } from '../votes/matter.js';
import { askPeople, holdMatter, touchMatter } from '../votes/matters.js';
import { keepVotes, votesIn } from '../votes/store-vote.js';
import type { RequestMeans } from './means.js';
import type { ReadRequest } from './read-request.js';
import type { PeopleHeard, RequestRecord, StoredRequest } from './request-record.js';
import { requesterOf, requesterOther } from './requester.js';

/** What people whom the terms of a key name say of a request by now. */
export interface Heard {
  readonly said: PeopleSaid;
  /** Who asks; null: nobody says so, and nobody can be asked. */
  readonly requester: Uint8Array | null;
  /** As it is stored, held until the transaction ends; null: nobody was asked yet. */
  readonly matter: StoredMatter | null;
  /** What to ask them about. */
  readonly asked: MatterOfPeople;
  /** Votes that came with this message and count, where nobody was asked yet: kept as soon as somebody is. */
  readonly carried: JudgedVotes;
  readonly refused: readonly RefusedVote[];
}

/** What names a request to people, as this server derived it. */
export type RequestBallot = Pick<Ballot, 'kind' | 'expiresAt' | 'payloadHash' | 'tasksHash'>;

/**
 * Hears those whom the terms of a key name: counts what is kept of this very request with what came with the message. Null: the terms ask nobody, whatever is
 * asked for. The key is read under this transaction, so that its terms are those in force.
 * @param known the request as it is stored; null: it is new
 * @throws AccessError `REQUESTER_NOT_PROVEN`, `REQUESTER_OTHER`
 */
export async function hearPeople(
  { context }: RequestMeans,
  call: Call,
  transaction: Transaction,
  request: RequestAsk,
  { key }: ReadRequest,
  named: RequestBallot,
  known: Pick<RequestRecord, 'requester'> | null,
): Promise<Heard | null> {
  const { owner, keyId, policy: terms } = key;
  const { asksPeople, hash: termsHash } = termsInForce(terms);
  if (!asksPeople) return null;
  const requester = await requesterOf(context, transaction, key, request, named.payloadHash, call.heir);
  assertSameRequester(known, requester);
  const ballot = {
    matter: 'request',
    matterId: request.requestId,
    keyId,
    termsHash,
    requester,
    ...named,
  } as const;
  const asked = { owner, terms, ballot, without: [call.account.xid, call.by.id] };
  const matter = await holdMatter(context, transaction, nameOf(asked));
  const polling = pollingOf(context, asked);
  const carried = judgeVotes(requester === null ? [] : (request.votes ?? []), polling);
  if (matter === null) {
    const votes = [...carried.votes, ...carried.besides].map(({ vote }) => vote);
    const said = withHeir(call, { votes: holdVotes(votes, polling), without: silentIn(polling) });
    return { said, requester, matter, asked, carried, refused: carried.refused };
  }
  const { after, refused } = await keepCarried(context, transaction, asked, matter, carried);
  const said = withHeir(call, await context.people.said(transaction, asked));
  return { said, requester, matter: after, asked, carried: NONE, refused };
}

/** The terms let an heir use the key when its owner is silent: where a rule asks him his yes is met by that. Whoever else is asked is asked still. */
function withHeir({ heir }: Pick<Call, 'heir'>, { votes, without }: PeopleSaid): PeopleSaid {
  if (heir === undefined) return { votes, without };
  const others = [...without].filter((name) => name !== heir.name);
  return { votes: { ...votes, yes: new Set([...votes.yes, heir.name]) }, without: new Set(others) };
}

const NONE: JudgedVotes = { votes: [], besides: [], refused: [] };

function assertSameRequester(
  known: Pick<RequestRecord, 'requester'> | null,
  requester: Uint8Array | null,
): void {
  if (known?.requester === undefined) return;
  if (requester === null || !equalBytes(known.requester, requester)) throw requesterOther();
}

async function keepCarried(
  context: RequestMeans['context'],
  transaction: Transaction,
  asked: MatterOfPeople,
  matter: StoredMatter,
  carried: JudgedVotes,
): Promise<{ readonly after: StoredMatter; readonly refused: readonly RefusedVote[] }> {
  if (!matter.row.waiting)
    return { after: matter, refused: await tooLate(context, transaction, asked, carried) };
  const { kept, refused } = await keepVotes(context, transaction, asked, carried);
  const after = kept > 0 ? await touchMatter(context, transaction, matter) : matter;
  return { after, refused: [...carried.refused, ...refused] };
}

/** What is new behind the first share. */
async function tooLate(
  context: RequestMeans['context'],
  transaction: Transaction,
  asked: MatterOfPeople,
  { votes }: JudgedVotes,
): Promise<readonly RefusedVote[]> {
  const kept = await votesIn(context, transaction, nameOf(asked));
  const isKept = (digest: Uint8Array) => kept.some(({ vote }) => equalBytes(vote.digest, digest));
  return votes.filter(({ vote }) => !isKept(vote.digest)).map(({ at }) => ({ at, code: 'VOTES_FINAL' }));
}

/** Has people asked about a request from now on, and keeps what came with it. @returns the matter as it is then */
export async function askAboutRequest(
  { context }: RequestMeans,
  transaction: Transaction,
  { asked, matter, carried, said }: Heard,
  {
    payload,
    sentence,
    awaits,
  }: { readonly payload: Uint8Array; readonly sentence: string; readonly awaits: readonly Awaited[] },
): Promise<StoredMatter> {
  const rules = asked.terms.approvals ?? [];
  const wanted = awaits.flatMap(({ rule }) => rules[rule - 1]?.of ?? []);
  const names = [...new Set([...wanted, ...said.votes.yes, ...said.votes.no])].filter(
    (name) => !said.without.has(name),
  );
  const stored = await askPeople(context, transaction, { ...asked, payload, sentence, names }, matter);
  await keepVotes(context, transaction, asked, carried);
  return stored;
}

export function peopleHeard(
  { said: { votes }, asked }: Pick<Heard, 'said' | 'asked'>,
  matter: StoredMatter,
  { awaits, operator }: { readonly awaits: readonly Awaited[]; readonly operator: boolean },
): PeopleHeard {
  return {
    awaits: awaits.map(({ rule, needed, of }) => ({ rule, needed, of: [...of] })),
    ...namesSaying(votes),
    counted: matter.row.version,
    termsHash: asked.ballot.termsHash,
    operator,
  };
}

/** Who has said what, as whoever asks is told it. */
export function namesSaying({
  yes,
  no,
  reasons,
}: PeopleSaid['votes']): Pick<PeopleHeard, 'yes' | 'no' | 'reasons'> {
  const said = { yes: [...yes].toSorted(), no: [...no].toSorted() };
  const why = said.no.flatMap((name) => {
    const reason = reasons?.get(name);
    return reason === undefined ? [] : [{ name, reason }];
  });
  return why.length === 0 ? said : { ...said, reasons: why };
}

/** Whether two say the same. */
export function isSamePeople(a: PeopleHeard | undefined, b: PeopleHeard | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [{ termsHash: one, ...rest }, { termsHash: other, ...others }] = [a, b];
  return equalBytes(one, other) && JSON.stringify(rest) === JSON.stringify(others);
}

/** Whether those are asked whom the terms of its key name, or the operator besides them: whatever they say, it is counted when somebody asks again. */
export function waitsForPeople({ state, record }: Pick<StoredRequest, 'state' | 'record'>): boolean {
  return state === 'waiting' && record.people !== undefined;
}

export function nameOfRequest({
  owner,
  requestId,
}: {
  readonly owner: Uint8Array;
  readonly requestId: Uint8Array;
}) {
  return { owner, matter: 'request', matterId: requestId } as const;
}
