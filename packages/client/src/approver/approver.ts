import { platformCarrier } from '#carrier';
import {
  type GivenInvitation,
  type ListedMatter,
  type Paper,
  parseInvitation,
  type VoteMatter,
  writeAnswer,
  writeVotes,
} from '@ckm/api';
import { equalBytes, encodeHex, type Secret, wipe } from '@ckm/foundation';
import type { Carrier } from '../carrier/carrier.js';
import type { ClientStore } from '../store/client-store.js';
import { deriveRecordKey } from '../store/record-seal.js';
import { createRecordStore, type OnUnreadable } from '../store/record-store.js';
import { invitedAsAnother, matterAmbiguous, matterUnknownHere } from './approver-errors.js';
import {
  type ApproverKey,
  keyFrom,
  listApproverKeys,
  readApproverKey,
  saveApproverKey,
} from './approver-key.js';
import { askServers, listAt, type SilentHere } from './ask-servers.js';
import {
  type ApproverMeans,
  asApprover,
  epochKnown,
  lookAt,
  type LookedAt,
  type MatterView,
} from './look.js';
import type { Verdict } from './said.js';
import { giveVote, type VoteGiven } from './vote.js';

export interface ApproverOptions {
  /** 32 bytes, or how to get them when they are first needed. Wiped when the approver is closed. */
  readonly secret: Secret<Uint8Array> | (() => Promise<Secret<Uint8Array>>);
  /** Of this approver alone. */
  readonly store: ClientStore;
  readonly onUnreadable?: OnUnreadable;
  /** Default: HTTP, as the platform does it. */
  readonly carrier?: Carrier;
  /** UnixSeconds. */
  readonly clock?: () => number;
  /** Cryptographic; as many bytes as asked for. */
  readonly random?: (length: number) => Uint8Array;
  /** Longest wait for one server. */
  readonly timeoutMs?: number;
}

/** What waits for an approver, over all keys. */
export interface Waiting {
  readonly matters: readonly MatterView[];
  /** So many more wait, of one key or several, and were not looked at. */
  readonly more: number;
  readonly silent: readonly (SilentHere & { readonly keyName: string })[];
}

/** An invitation that was taken. */
export interface Joined {
  readonly key: ApproverKey;
  /** For the owner; its six words are what both compare. */
  readonly answer: Paper;
}

export interface LookOptions {
  /** Names of servers whose word about it is not taken: they show something else than the others. */
  readonly without?: readonly string[];
}

/** Somebody who says yes or no to what keys of others do, at his own machine. */
export interface Approver {
  /** Takes an invitation, and answers it: the same answer every time. @throws EncodingError `APPROVER_INVITATION_INVALID`; StateError `APPROVER_NAMED_OTHERWISE` */
  join(invitation: string): Promise<Joined>;
  /** What {@link Approver.join} would take; nothing is written. */
  planJoin(invitation: string): Promise<GivenInvitation>;
  keys(): Promise<readonly ApproverKey[]>;
  /** Asks every server of every key. */
  waiting(): Promise<Waiting>;
  /** @param id its first digits, with its matter and a colon before them, as in `terms:`, where two things have the same @throws UsageError `APPROVAL_UNKNOWN`, `APPROVAL_AMBIGUOUS`; as `readContents` */
  look(id: string, options?: LookOptions): Promise<LookedAt>;
  /** @throws as `assertMayBeSaid` */
  say(looked: LookedAt, verdict: Verdict, reason?: string): Promise<VoteGiven>;
  /** What was said, for whoever carries it. */
  paperOf(given: VoteGiven): Paper;
  close(): void;
}

const DEFAULT_TIMEOUT_MS = 15_000;
/** Matters of one key that are looked at in one go: servers answer one person so many times a minute. */
const MOST_LOOKED_AT = 16;

export function createApprover(options: ApproverOptions): Approver {
  const means = approverMeans(options);
  return {
    planJoin: (text) => planJoin(means, text),
    join: (text) => join(means, text),
    keys: () => listApproverKeys(means.store),
    waiting: () => waiting(means),
    look: (id, { without = [] } = {}) => lookById(means, id, without),
    say: (looked, verdict, reason = '') =>
      giveVote(means, looked, { verdict, reason: verdict === 'no' && reason !== '' ? reason : null }),
    paperOf: ({ said }) => writeVotes(said.votes.map(({ bytes }) => bytes)),
    close: means.close,
  };
}

/** With what somebody works who is named in terms of keys. `close` wipes his secret, if it was opened. */
export function approverMeans(options: ApproverOptions): ApproverMeans & { close(): void } {
  const { secret: source } = options;
  let opened: Promise<Secret<Uint8Array>> | undefined;
  const secret = () => (opened ??= Promise.resolve(typeof source === 'function' ? source() : source));
  return {
    carrier: options.carrier ?? platformCarrier,
    clock: options.clock ?? (() => Math.floor(Date.now() / 1_000)),
    random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    store: createRecordStore(
      options.store,
      async () => deriveRecordKey(await secret()),
      options.onUnreadable,
    ),
    secret,
    close: () => {
      void opened?.then(wipe, () => undefined);
    },
  };
}

async function planJoin({ store }: ApproverMeans, text: string): Promise<GivenInvitation> {
  const invitation = parseInvitation(text);
  const before = await readApproverKey(store, invitation.keyId);
  if (before !== null && before.name !== invitation.name)
    throw invitedAsAnother(invitation.keyName, before.name);
  return invitation;
}

async function join(means: ApproverMeans, text: string): Promise<Joined> {
  const { store, clock } = means;
  const invitation = await planJoin(means, text);
  const { keyId } = invitation;
  return asApprover(means, keyId, async (me) => {
    const key = keyFrom(invitation, await readApproverKey(store, keyId), clock());
    await saveApproverKey(store, key);
    return { key, answer: writeAnswer(me, invitation) };
  });
}

interface ListedAt {
  readonly key: ApproverKey;
  readonly matter: VoteMatter;
  readonly matterId: Uint8Array;
  readonly expiresAt: number;
  /** How many list it. */
  readonly servers: number;
}

/** Everything that any server of a key lists, each once. */
async function listKey(
  means: ApproverMeans,
  key: ApproverKey,
): Promise<{ readonly listed: readonly ListedAt[]; readonly silent: readonly SilentHere[] }> {
  return asApprover(means, key.keyId, async (me) => {
    const known = epochKnown(key)?.transcriptHash ?? null;
    const { heard, silent } = await askServers(means, me, key, (link) =>
      listAt(link, { keyId: key.keyId, known }),
    );
    const found = new Map<string, ListedAt>();
    for (const { said } of heard)
      for (const [name, one] of said)
        if (isOf(key, one)) found.set(name, { key, ...one, servers: (found.get(name)?.servers ?? 0) + 1 });
    return { listed: [...found.values()].toSorted(firstToLookAt), silent };
  });
}

/** What changes a key before what it is asked for, what most servers list before what one of them may have made up, and then what ends first. */
function firstToLookAt(a: ListedAt, b: ListedAt): number {
  const isRequest = ({ matter }: ListedAt) => (matter === 'request' ? 1 : 0);
  return isRequest(a) - isRequest(b) || b.servers - a.servers || a.expiresAt - b.expiresAt;
}

function isOf({ keyId }: ApproverKey, listed: ListedMatter): boolean {
  return equalBytes(listed.keyId, keyId);
}

async function waiting(means: ApproverMeans): Promise<Waiting> {
  const matters: MatterView[] = [];
  const silent: (SilentHere & { keyName: string })[] = [];
  let more = 0;
  for (const key of await listApproverKeys(means.store)) {
    const { listed, silent: mute } = await listKey(means, key);
    silent.push(...mute.map((one) => ({ ...one, keyName: key.keyName })));
    more += Math.max(0, listed.length - MOST_LOOKED_AT);
    for (const one of listed.slice(0, MOST_LOOKED_AT)) {
      const looked = await lookAt(means, one);
      if (looked !== null) matters.push(looked.view);
    }
  }
  return { matters, more, silent };
}

/** Eight digits are what lists show; where two things have the same, what it is may stand before them. */
const ID = /^(?:(request|terms|order|export|thaw|case):)?([0-9a-f]{4,64})$/;

async function lookById(means: ApproverMeans, id: string, without: readonly string[]): Promise<LookedAt> {
  const [, kind, digits = null] = ID.exec(id) ?? [];
  if (digits === null) throw matterUnknownHere(id);
  const isMeant = ({ matter, matterId }: ListedAt) =>
    encodeHex(matterId).startsWith(digits) && (kind === undefined || kind === matter);
  const found: ListedAt[] = [];
  for (const key of await listApproverKeys(means.store)) {
    const { listed } = await listKey(means, key);
    found.push(...listed.filter(isMeant));
  }
  if (found.length > 1) throw matterAmbiguous(id);
  const looked = found[0] === undefined ? null : await lookAt(means, found[0], without);
  if (looked === null) throw matterUnknownHere(id);
  return looked;
}
