import { CkmError, equalBytes, type Secret } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  hashOrder,
  membersOf,
  type OldMembers,
  parseChangeCertificate,
} from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { CHANGE_STEPS, type ChangeStep } from '../../progress/job-steps.js';
import { partOf } from '../../progress/part-of.js';
import type { OnProgress, ProgressEvent } from '../../progress/progress.js';
import { askAll, isSilence, namesOf, type Participant } from '../../servers/ask-all.js';
import type { Gathered } from '../../servers/gathered.js';
import { pause } from '../../servers/pause.js';
import { listServerRecords, serverUnknown } from '../../servers/servers.js';
import { shortId } from '../../store/track.js';
import { unrecordedMember } from '../roster.js';
import { type ChangeRecord, isRefresh, saveChange } from '../chain/change-record.js';

/** A server of a change, with its places in both epochs. */
export interface ChangeMember extends Participant {
  /** In the epoch that decides; null: it joins. */
  readonly oldSlot: number | null;
  /** In the next epoch; null: it leaves. */
  readonly newSlot: number | null;
}

/** A change as it runs in this process. */
export interface ChangeRun {
  readonly context: ClientContext;
  readonly on: OnProgress;
  readonly before: CertifiedEpoch;
  /** Whose statements count. */
  readonly deciders: OldMembers;
  readonly orderHash: Uint8Array;
  /** As in the record: those of the next epoch in order of slots, then those that leave. Their `slot` is that place. */
  readonly members: readonly ChangeMember[];
  readonly links: ReadonlyMap<Participant, ServerLink>;
  /** Typed for this run, to order by the words what no device may; null: they were not. */
  readonly words: Secret<Uint8Array> | null;
  /** What members did while it was decided that no honest one does, though the others were enough. */
  readonly faults: CkmError[];
  record: ChangeRecord;
}

/** By the words a quorum is enough, of those who say that the words have released them for this order. */
function decidersFor({ checked, order, byWords }: ChangeRecord): OldMembers {
  const { params, transcriptHash } = checked.epoch;
  if (!byWords) return membersOf(params, transcriptHash);
  return { ...membersOf(params, transcriptHash, hashOrder(order)), needed: params.quorum.needed };
}

/** @throws UsageError `SERVER_UNKNOWN` */
export async function createChangeRun(
  context: ClientContext,
  record: ChangeRecord,
  on: OnProgress,
  words: Secret<Uint8Array> | null = null,
): Promise<ChangeRun> {
  const before = record.checked.epoch;
  const members: ChangeMember[] = [];
  const links = new Map<Participant, ServerLink>();
  const slotIn = (roster: readonly { readonly serverId: Uint8Array }[], xid: Uint8Array) => {
    const at = roster.findIndex(({ serverId }) => equalBytes(serverId, xid));
    return at < 0 ? null : at + 1;
  };
  const recorded = await listServerRecords(context.store);
  const { certificate } = record;
  const certified = certificate === null ? [] : parseChangeCertificate(certificate).change.next.roster;
  for (const [i, { name, xid }] of record.servers.entries()) {
    const oldSlot = slotIn(before.params.roster, xid);
    const newSlot = slotIn(record.order.roster, xid);
    const old = oldSlot === null || newSlot !== null ? undefined : before.params.roster[oldSlot - 1];
    // One that holds a share by a decided change is told of it, also where another client added it.
    const entry = newSlot === null ? old : certified[newSlot - 1];
    const known = recorded.find((one) => equalBytes(one.xid, xid));
    const server = known ?? (entry === undefined ? undefined : unrecordedMember(entry));
    if (server === undefined) throw serverUnknown(name);
    const member = { slot: i + 1, server, oldSlot, newSlot };
    members.push(member);
    links.set(member, await context.linkTo(server));
  }
  return {
    context,
    on,
    before,
    deciders: decidersFor(record),
    orderHash: hashOrder(record.order),
    words,
    faults: [],
    members,
    links,
    record,
  };
}

export async function saveChangeRun(run: ChangeRun, change: Partial<ChangeRecord>): Promise<void> {
  run.record = { ...run.record, ...change };
  await saveChange(run.context.store, run.record);
}

export function oldMembers({ members }: ChangeRun): readonly ChangeMember[] {
  return members.filter(({ oldSlot }) => oldSlot !== null);
}

export function newMembers({ members }: ChangeRun): readonly ChangeMember[] {
  return members.filter(({ newSlot }) => newSlot !== null);
}

const STEPS = Object.keys(CHANGE_STEPS) as readonly ChangeStep[];

function jobOf({ record }: ChangeRun): 'refresh' | 'change' {
  return isRefresh(record) ? 'refresh' : 'change';
}

function reportChange(
  run: ChangeRun,
  step: ChangeStep,
  waiting: readonly Participant[],
  asked: readonly Participant[],
): void {
  const stage: ProgressEvent['stage'] =
    step === 'order' ? 'propose' : step === 'retire' ? 'conclude' : 'exchange';
  run.on({
    job: jobOf(run),
    id: shortId(run.orderHash),
    stage,
    round: STEPS.indexOf(step) + 1,
    of: STEPS.length,
    have: namesOf(asked.filter((one) => !waiting.includes(one))),
    waiting: namesOf(waiting),
    text: CHANGE_STEPS[step],
  });
}

/** Tells the steps of the session that moves shares as those of the change. */
export function toldOfMove(run: ChangeRun): OnProgress {
  return partOf(run.on, jobOf(run), shortId(run.orderHash), STEPS.indexOf('offer'));
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Asks members at the same time; those that are silent again and again, until enough have answered or the patience of one
 * timeout is used up. What one refuses, or does wrong, does not stop the others.
 * @param enough how many answers do; all are waited for in the first round all the same
 */
export async function gatherFrom<T>(
  run: ChangeRun,
  step: ChangeStep,
  asked: readonly ChangeMember[],
  enough: number,
  ask: (member: ChangeMember, link: ServerLink) => Promise<T>,
): Promise<Gathered<ChangeMember, T>> {
  const answers = new Map<ChangeMember, T>();
  const refused = new Map<ChangeMember, CkmError>();
  const missing = () => asked.filter((one) => !answers.has(one) && !refused.has(one));
  const report = () => {
    reportChange(run, step, missing(), asked);
  };
  let silences: ReadonlyMap<Participant, CkmError> = new Map();
  let patienceMs = run.context.timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    report();
    const { silent } = await askAll(missing(), async (participant) => {
      const member = participant as ChangeMember;
      try {
        answers.set(member, await ask(member, run.links.get(member)!));
      } catch (error) {
        if (!isOfMember(error, member)) throw error;
        refused.set(member, error);
      }
      report();
    });
    silences = silent;
    patienceMs -= pauseMs;
    const timedOut = [...silent.values()].some(({ code }) => code === 'SERVER_TIMEOUT');
    if (missing().length === 0 || answers.size >= enough || timedOut || patienceMs <= 0) break;
    await pause(pauseMs);
  }
  const failures = new Map(refused);
  for (const one of missing()) {
    const error = silences.get(one);
    if (error !== undefined) failures.set(one, error);
  }
  return { answers: inOrderOf(asked, answers), failures: inOrderOf(asked, failures) };
}

/** People are told of servers in one order, whoever was the first to answer. */
function inOrderOf<K, V>(order: readonly K[], found: ReadonlyMap<K, V>): ReadonlyMap<K, V> {
  return new Map([...found].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other)));
}

/**
 * Whether an error is one member's own: its no, a fault that it is to blame for, an answer that cannot be read. It stops nobody else:
 * a server that is damaged, or lies, is the very one that a change may be there to remove.
 */
export function isOfMember(error: unknown, { server }: ChangeMember): error is CkmError {
  if (!(error instanceof CkmError) || isSilence(error)) return false;
  const { server: one, servers } = error.facts;
  const isIts =
    one === server.name || (Array.isArray(servers) && servers.every((name) => name === server.name));
  return isIts || ['StateError', 'PolicyError', 'AccessError'].includes(error.errorClass);
}

/** What members did that no honest one does, or saw of others, among what came of asking; it is told of when the others are done. */
export function faultsIn({
  failures,
}: Pick<Gathered<ChangeMember, unknown>, 'failures'>): readonly CkmError[] {
  return [...failures.values()].filter(
    ({ errorClass, code }) => errorClass === 'PeerFaultError' || code === 'KEY_FORKED',
  );
}
