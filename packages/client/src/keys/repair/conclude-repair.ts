import { type RepairResult, repairResult, type SessionView, verifyIdentityStatement } from '@ckm/api';
import { equalBytes, PeerFaultError, StateError } from '@ckm/foundation';
import { recoveryAckStatement } from '@ckm/threshold';
import { TAKING_BACK } from '../../progress/job-steps.js';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import { listed, serverFault } from '../../servers/faults.js';
import type { Ending } from '../../sessions/ceremony.js';
import { shortId } from '../../store/track.js';
import { noteAcknowledged } from '../keys.js';
import { readRepairRecord, type RepairRecord } from './repair-record.js';
import { shownEpoch } from './shown-epoch.js';

/** What a finished repair leaves. */
export interface RepairedShare {
  readonly kind: 'repair';
  /** The owner's name of the key. */
  readonly key: string;
  /** Who has its share again, and who helped. */
  readonly server: string;
  readonly helpers: readonly string[];
}

/**
 * Brings the answers to the server that lost its share, and believes it when it has signed that the share is stored, as after
 * the making of the key.
 * @throws AvailabilityError `SERVERS_MISSING`; PeerFaultError `SUSPECT_SHARE` naming helpers, `FAULT_ACKNOWLEDGEMENT_INVALID`
 */
export async function concludeRepair(ending: Ending): Promise<RepairedShare> {
  const { context, session, participants } = ending;
  const record = readRepairRecord(session);
  const target = participants.at(-1)!;
  const found: RepairResult[] = [];
  await ending.gather(TAKING_BACK, {
    missing: () => (found.length === 0 ? [target] : []),
    ask: async () => {
      const view = await ending.handOut(target);
      if (view.state === 'finished') found.push(resultIn(record, target, view));
      else if (view.state !== 'running') throw notTaken(ending, target, view);
    },
  });
  const { params } = shownEpoch(record);
  await noteAcknowledged(context.store, session.keyName, params, [record.slot]);
  const [server, ...helpers] = [target, ...participants.slice(0, -1)].map((one) => one.server.name);
  return { kind: 'repair', key: session.keyName, server: server!, helpers };
}

/** @throws PeerFaultError `FAULT_ACKNOWLEDGEMENT_INVALID` */
function resultIn(record: RepairRecord, target: Participant, view: SessionView): RepairResult {
  const parsed = repairResult.safeParse(view.result);
  const { slot } = record;
  const { params, transcriptHash } = shownEpoch(record);
  const { keyId, epoch } = params;
  const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
  const { identityKey } = params.roster[slot - 1]!;
  const acknowledgement = parsed.data?.acknowledgement ?? null;
  if (
    parsed.success &&
    acknowledgement !== null &&
    equalBytes(parsed.data.transcriptHash, transcriptHash) &&
    verifyIdentityStatement(identityKey, statement, acknowledgement)
  )
    return parsed.data;
  throw serverFault('FAULT_ACKNOWLEDGEMENT_INVALID', [target], 'did not sign that it stored its share');
}

/** Everybody has said everything, and no share came of it: only the target can see whose answer is wrong. */
function notTaken(
  { session: { sessionId }, participants }: Ending,
  target: Participant,
  { state, fault }: SessionView,
) {
  const remedy = { kind: 'cancelSession', id: shortId(sessionId) } as const;
  const { name } = target.server;
  const accused = participants.filter(({ slot }) => fault?.culprits.includes(slot) === true);
  if (accused.length === 0) {
    return new StateError(`the repair is ${state} at ${name}`, {
      code: fault !== null && /^RETRY_[A-Z_]{1,50}$/.test(fault.code) ? fault.code : 'SESSION_ABORTED',
      hint: 'cancel this one and begin again',
      remedy,
      facts: { by: name },
    });
  }
  const names = namesOf([target, ...accused]);
  return new PeerFaultError(
    `${name} suspects ${listed(namesOf(accused))}: no share came of what they answered`,
    {
      code: 'SUSPECT_SHARE',
      hint: `either may be at fault: cancel this repair, and begin again with other helpers than ${listed(namesOf(accused))}`,
      remedy,
      facts: { servers: names, by: name, accused: namesOf(accused) },
    },
  );
}
