import {
  type InvitingServer,
  LONGEST_VOTE,
  MAX_VOTES,
  isProvenBy,
  parseVote,
  type ShownMatter,
  type SignedVote,
  signVote,
  type VoterKey,
  type VoteStatement,
} from '@ckm/api';
import { CkmError, compareBytes, equalBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { noSuchVote } from './approver-errors.js';
import { askServers, type SilentHere } from './ask-servers.js';
import { type ApproverMeans, asApprover, epochKnown, type LookedAt } from './look.js';
import { descriptionHash } from './matter.js';
import { saveApproverKey } from './approver-key.js';
import { forgetExpired, readSaid, type Said, saveSaid, type SaidVote, type Verdict } from './said.js';

const HIGHEST_SERIAL = 0xffff_ffff;

/** What became of a vote. */
export interface VoteGiven {
  readonly said: Said;
  /** Names of the servers that have it. */
  readonly at: readonly string[];
  /** Those that said why it counts nothing there. */
  readonly refusedBy: readonly { readonly server: string; readonly code: string }[];
  readonly silent: readonly SilentHere[];
}

/** That a verdict may be given to what was looked at. @throws StateError `APPROVAL_DIFFERS`, `APPROVAL_FALSE`, `APPROVAL_UNREADABLE`, `APPROVAL_NOT_GIVEN`; AccessError */
export function assertMayBeSaid({ view }: LookedAt, verdict: Verdict): void {
  if (verdict === 'yes' && view.doubt !== null) throw view.doubt;
  if (verdict === 'takeBack' && view.said === null) throw noSuchVote(view.id);
}

/**
 * Says yes or no to what was looked at, or takes back what was said; or goes on with bringing that to servers. It is on record before any server
 * hears of it.
 * @param reason of a no, for whoever asks
 */
export async function giveVote(
  means: ApproverMeans,
  looked: LookedAt,
  { verdict, reason }: Pick<Saying, 'verdict' | 'reason'>,
): Promise<VoteGiven> {
  assertMayBeSaid(looked, verdict);
  return asApprover(means, looked.key.keyId, async (me) => {
    const said = await means.store.exclusive('said', async () => {
      const before = await readSaid(means.store, { keyId: looked.key.keyId, matterId: looked.matterId });
      if (before !== null && goesOn(me, before, looked, { verdict, reason }, means.clock())) return before;
      const serial = highestSerial(me, looked, before) + 1;
      const made = sayNow(me, looked, { verdict, reason, serial, now: means.clock() });
      // From now on the key is known by the certificate by which this was read, where that is the word of enough servers.
      if (looked.isKept) await saveApproverKey(means.store, looked.key);
      await forgetExpired(means.store, means.clock());
      await saveSaid(means.store, made);
      return made;
    });
    return bringVotes(means, me, looked, said);
  });
}

/**
 * Whether the same was said before about just what is shown now, and counts still wherever it is shown: then no other statement is made. What another
 * machine of this approver has said over it is answered anew.
 */
function goesOn(
  me: Identity,
  before: Said,
  looked: LookedAt,
  { verdict, reason }: Pick<Saying, 'verdict' | 'reason'>,
  now: number,
): boolean {
  const { key, matter, contents } = looked;
  const told = before.votes.map(({ bytes, to }) => ({ ...parseVote(bytes), to }));
  const audience = audienceOf(key);
  const isSame = told.every(
    ({ statement: one }) =>
      one.reason === (verdict === 'no' ? reason : null) &&
      one.audience.length === audience.length &&
      one.audience.every((xid, at) => equalBytes(xid, audience[at]!)),
  );
  const isOvertaken = ownVotes(me, looked).some(
    (one) =>
      one.statement.serial >= before.serial && !told.some(({ digest }) => equalBytes(digest, one.digest)),
  );
  return (
    before.matter === matter &&
    before.verdict === verdict &&
    isSame &&
    !isOvertaken &&
    contents.every(({ shown, by, ends }) =>
      by.every(({ xid }, at) =>
        told.some(
          ({ statement, to }) =>
            to.some((one) => equalBytes(one, xid)) &&
            isAbout(statement, shown) &&
            statement.expiresAt > now &&
            (ends[at]! <= now || statement.expiresAt <= ends[at]!),
        ),
      ),
    )
  );
}

function isAbout(statement: VoteStatement, shown: ShownMatter): boolean {
  const { requester } = shown;
  const isSame = (name: 'payloadHash' | 'tasksHash' | 'termsHash') =>
    equalBytes(statement[name], shown[name]);
  return (
    isSame('payloadHash') &&
    isSame('tasksHash') &&
    isSame('termsHash') &&
    (requester === null || statement.requester === null
      ? requester === statement.requester
      : equalBytes(requester, statement.requester))
  );
}

/** The serial of the last statement that this approver has proved anywhere: another machine of his may have voted. */
function highestSerial(me: Identity, looked: LookedAt, before: Said | null): number {
  return Math.max(before?.serial ?? 0, ...ownVotes(me, looked).map(({ statement: { serial } }) => serial));
}

/** What servers show that this approver has proved. */
function ownVotes(me: Identity, { matterId, votes }: LookedAt): readonly SignedVote[] {
  const own: VoterKey = { kind: 'ed25519', key: me.publicKeys.signing.bytes };
  return votes
    .flatMap((bytes) => {
      const vote = readVote(bytes);
      return vote !== null && isProvenBy(vote, { keys: [own] }, () => false) ? [vote] : [];
    })
    .filter(({ statement }) => equalBytes(statement.matterId, matterId));
}

function readVote(bytes: Uint8Array): SignedVote | null {
  try {
    return parseVote(bytes);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

interface Saying {
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly serial: number;
  readonly now: number;
}

/** What one statement is about, until when it counts, and which servers show just that. */
interface Addressed {
  readonly shown: ShownMatter;
  /** UnixSeconds */
  readonly expiresAt: number;
  readonly by: readonly InvitingServer[];
}

/**
 * Each content with each end that servers show of it, the first to end first: none of them shortens what counts at others, and what ends sooner takes the
 * place of nothing that ends later. Those that show it as over have no part in it.
 */
function addressedIn({ matter, contents }: LookedAt, now: number): readonly Addressed[] {
  const each = contents.flatMap(({ shown, by, ends }) => {
    const capped = ends.map((end) => Math.min(end, now + LONGEST_VOTE[matter]));
    return [...new Set(capped)].map((expiresAt) => ({
      shown,
      expiresAt,
      by: by.filter((_, at) => capped[at] === expiresAt),
    }));
  });
  const open = each.filter(({ expiresAt }) => expiresAt > now);
  return (open.length === 0 ? each.slice(0, 1) : open).toSorted((a, b) => a.expiresAt - b.expiresAt);
}

/** One statement; where servers show several contents or ends, one for each: a no is a no to all of them. */
function sayNow(me: Identity, looked: LookedAt, saying: Saying): Said {
  const { key, matter, matterId, view } = looked;
  const addressed = addressedIn(looked, saying.now);
  const isHeard = (xid: Uint8Array) => addressed.some(({ by }) => by.some((one) => equalBytes(one.xid, xid)));
  // Whoever does not answer now may show any of it later; a yes is nothing for those whose word is not taken.
  const isLeftOut = ({ name }: InvitingServer) => view.leftOut.some(({ server }) => server === name);
  const others = key.servers.filter(
    (one) => !isHeard(one.xid) && (saying.verdict !== 'yes' || !isLeftOut(one)),
  );
  const votes = addressed.map(({ shown, expiresAt, by }, at): SaidVote => {
    const serial = Math.min(saying.serial + at, HIGHEST_SERIAL);
    const bytes = signVote(me, statementOf(me, looked, { shown, expiresAt }, { ...saying, serial }));
    const xids = [...by, ...others].map(({ xid }) => xid);
    return { bytes, to: xids, left: xids };
  });
  return {
    keyId: key.keyId,
    matter,
    matterId,
    verdict: saying.verdict,
    serial: Math.min(saying.serial + addressed.length - 1, HIGHEST_SERIAL),
    votes,
    sentence: view.description?.sentence ?? '',
    at: saying.now,
    expiresAt: addressed.at(-1)!.expiresAt,
  };
}

function audienceOf({ servers }: LookedAt['key']): readonly Uint8Array[] {
  return servers.map(({ xid }) => xid).toSorted(compareBytes);
}

function statementOf(
  me: Identity,
  { key, view, matter, matterId }: LookedAt,
  { shown, expiresAt }: Pick<Addressed, 'shown' | 'expiresAt'>,
  { verdict, reason, serial, now }: Saying,
): VoteStatement {
  return {
    v: 1,
    matter,
    matterId,
    verdict,
    serial,
    approver: me.xid,
    audience: [...audienceOf(key)],
    keyId: key.keyId,
    epoch: shown.epoch,
    transcriptHash: shown.transcriptHash,
    termsHash: shown.termsHash,
    requester: shown.requester,
    kind: shown.kind,
    payloadHash: shown.payloadHash,
    tasksHash: shown.tasksHash,
    descriptionHash: descriptionHash(view.description),
    reason: verdict === 'no' ? reason : null,
    issuedAt: now,
    expiresAt,
  };
}

/** Brings what was said to each server that it is for, also to one that has taken it before: it may have come back from an older state. */
async function bringVotes(
  means: ApproverMeans,
  me: Identity,
  { key }: LookedAt,
  said: Said,
): Promise<VoteGiven> {
  const known = epochKnown(key)?.transcriptHash;
  const { heard, silent } = await askServers(means, me, key, async (link, { xid }) => {
    const votes = said.votes.filter(({ to }) => to.some((one) => equalBytes(one, xid))).slice(-MAX_VOTES);
    if (votes.length === 0) return null;
    const { refused } = await link.call(
      'approval.give',
      { votes: votes.map(({ bytes }) => bytes), ...(known === undefined ? {} : { known }) },
      { introduce: true },
    );
    // Of several contents a server takes what is said of its own.
    return { xid, refused: refused.length < votes.length ? [] : refused };
  });
  const told = heard.flatMap(({ server, said: one }) => (one === null ? [] : [{ server, ...one }]));
  const taking = told.filter(({ refused }) => refused.length === 0);
  const brought = await noteBrought(
    means,
    said,
    taking.map(({ xid }) => xid),
  );
  return {
    said: brought,
    at: taking.map(({ server }) => server.name),
    refusedBy: told.flatMap(({ server, refused }) =>
      refused.slice(0, 1).map(({ code }) => ({ server: server.name, code })),
    ),
    silent,
  };
}

async function noteBrought(
  { store }: ApproverMeans,
  said: Said,
  taken: readonly Uint8Array[],
): Promise<Said> {
  return store.exclusive('said', async () => {
    const now = (await readSaid(store, said)) ?? said;
    // Another process has said something else meanwhile.
    if (now.serial !== said.serial) return now;
    const votes = now.votes.map(({ bytes, to, left }) => ({
      bytes,
      to,
      left: left.filter((xid) => !taken.some((one) => equalBytes(one, xid))),
    }));
    const brought = { ...now, votes };
    await saveSaid(store, brought);
    return brought;
  });
}
