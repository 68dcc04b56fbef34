import { CkmError, equalBytes } from '@ckm/foundation';
import {
  type CertifiedEpoch,
  hashSettlement,
  type OldMembers,
  parseChangeCertificate,
  type RosterEntry,
} from '@ckm/threshold';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { SETTLING_STEPS, type SettlingStep } from '../../progress/job-steps.js';
import type { OnProgress, ProgressEvent } from '../../progress/progress.js';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import type { Gathered } from '../../servers/gathered.js';
import { listServerRecords } from '../../servers/servers.js';
import { shortId } from '../../store/track.js';
import { certificatesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { unrecordedMember } from '../roster.js';
import { epochAt, provedBy, settlersIn, settlingSlots, whoSignedTwice } from './read-fork.js';
import { saveSettlement, type SettlementRecord } from './settlement-record.js';

/** A server that settles, or is told what was settled, with its places. */
export interface SettleMember extends Participant {
  /** In the epoch whose servers settle; null: it has none. */
  readonly oldSlot: number | null;
  /** In the epoch that is to count; null: it has none. */
  readonly newSlot: number | null;
}

/** Settling as it runs in this process. */
export interface SettleRun {
  readonly context: ClientContext;
  readonly on: OnProgress;
  readonly keyName: string;
  readonly before: CertifiedEpoch;
  /** What each certificate makes, the one that is to count first. */
  readonly epochs: readonly CertifiedEpoch[];
  readonly twice: readonly number[];
  readonly settlers: OldMembers;
  readonly orderHash: Uint8Array;
  /** Of any of the rosters. Their `slot` counts them. */
  readonly members: readonly SettleMember[];
  record: SettlementRecord;
}

/** @throws as `verifyChange` where a certificate on record does not hold behind the key on record */
export async function createSettleRun(
  context: ClientContext,
  key: CertifiedKey,
  record: SettlementRecord,
  on: OnProgress,
): Promise<SettleRun> {
  const before = epochAt(certificatesOf(key.record), record.epoch);
  const epochs = record.certificates.flatMap((bytes) => provedBy(before, bytes)).map(({ epoch }) => epoch);
  const twice = whoSignedTwice(before, record.certificates);
  const { keyId, epoch } = record;
  const [counts, ...others] = epochs.map(({ transcriptHash }) => transcriptHash);
  const { transcriptHash } = before;
  return {
    context,
    on,
    keyName: key.record.name,
    before,
    epochs,
    twice,
    settlers: settlersIn(before, twice),
    orderHash: hashSettlement({ keyId, epoch, transcriptHash }, counts!, others),
    members: await membersIn(context, before, epochs),
    record,
  };
}

async function membersIn(
  context: ClientContext,
  before: CertifiedEpoch,
  epochs: readonly CertifiedEpoch[],
): Promise<readonly SettleMember[]> {
  const recorded = await listServerRecords(context.store);
  const entries = [before, ...epochs].flatMap(({ params }) => params.roster);
  const distinct = entries.filter(
    ({ serverId }, i) => entries.findIndex((one) => equalBytes(one.serverId, serverId)) === i,
  );
  return distinct.map((entry, i) => ({
    slot: i + 1,
    server: recorded.find(({ xid }) => equalBytes(xid, entry.serverId)) ?? unrecordedMember(entry),
    oldSlot: slotIn(before, entry),
    newSlot: slotIn(epochs[0]!, entry),
  }));
}

function slotIn({ params }: CertifiedEpoch, { serverId, identityKey }: RosterEntry): number | null {
  const own = params.roster.find((one) => equalBytes(one.serverId, serverId));
  return own !== undefined && equalBytes(own.identityKey, identityKey) ? own.slot : null;
}

export function settling({ members, before, twice }: SettleRun): readonly SettleMember[] {
  const slots = settlingSlots(before, twice);
  return members.filter(({ oldSlot }) => oldSlot !== null && slots.includes(oldSlot));
}

/** The certificate that is to count, or that was settled on. */
export function countingIn({ record: { certificates } }: SettleRun): Uint8Array {
  return certificates[0]!;
}

export async function saveSettleRun(run: SettleRun, change: Partial<SettlementRecord>): Promise<void> {
  run.record = { ...run.record, ...change };
  await saveSettlement(run.context.store, run.record);
}

const STEPS = Object.keys(SETTLING_STEPS) as readonly SettlingStep[];

/** Asks servers at the same time. What one refuses, or does wrong, stops nobody else. */
export async function askEach<T>(
  run: SettleRun,
  step: SettlingStep,
  members: readonly SettleMember[],
  ask: (member: SettleMember, link: ServerLink) => Promise<T>,
): Promise<Gathered<SettleMember, T>> {
  const answers = new Map<SettleMember, T>();
  const failures = new Map<SettleMember, CkmError>();
  const stage: ProgressEvent['stage'] =
    step === 'order' ? 'propose' : step === 'end' ? 'conclude' : 'exchange';
  const report = () => {
    const waiting = members.filter((one) => !answers.has(one) && !failures.has(one));
    const have = namesOf(answers.keys());
    const round = STEPS.indexOf(step) + 1;
    const id = shortId(run.orderHash);
    const text = SETTLING_STEPS[step];
    run.on({ job: 'settling', id, stage, round, of: STEPS.length, have, waiting: namesOf(waiting), text });
  };
  report();
  await Promise.all(
    members.map(async (member) => {
      try {
        answers.set(member, await ask(member, await run.context.linkTo(member.server)));
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        failures.set(member, error);
      }
      report();
    }),
  );
  const inOrder = <V>(found: ReadonlyMap<SettleMember, V>) =>
    new Map([...found].toSorted(([one], [other]) => one.slot - other.slot));
  return { answers: inOrder(answers), failures: inOrder(failures) };
}

/** The order that the first of these certificates fulfils, the one that is to count. */
export function orderOfCounting(certificates: readonly Uint8Array[]): Uint8Array {
  return parseChangeCertificate(certificates[0]!).change.order;
}
