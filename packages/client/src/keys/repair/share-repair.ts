import {
  encodeRepairParameters,
  helpOffer,
  lossOffer,
  type Packet,
  parseRepairParameters,
  type Proposal,
  type RepairHelperProposal,
  repairOrder,
} from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import {
  type CertifiedEpoch,
  encodeLoss,
  encodeRepair,
  type Fault,
  findRepairFault,
  type LossStatement,
  parseLoss,
  parseRepair,
  type PartyIndex,
  type Repair,
  type RepairMessage,
  repairProtocol,
  verifyLoss,
  verifyRepair,
} from '@ckm/threshold';
import { roundsOf } from '../../progress/job-steps.js';
import type { Participant } from '../../servers/ask-all.js';
import { serverFault } from '../../servers/faults.js';
import type { Ceremony } from '../../sessions/ceremony.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { concludeRepair, type RepairedShare } from './conclude-repair.js';
import { readRepairRecord } from './repair-record.js';
import { shownEpoch } from './shown-epoch.js';

const ROUNDS = roundsOf('repair');

/**
 * The giving back of a lost share, as the client of its owner carries it: helpers sit in ascending order of their slots, the
 * server that lost its share behind them. It is asked first; its statement is what the helpers are shown.
 */
export const shareRepair: Ceremony<RepairedShare> = {
  kind: 'repair',
  protocol: repairProtocol.id,
  job: 'repair',
  rounds: ROUNDS,
  again: null,
  title: (session) => `giving ${targetName(session)} its share of ${session.keyName} back`,
  details(session) {
    const { helpers } = readRepairRecord(session);
    const names = session.servers.slice(0, helpers.length).map(({ name }) => name);
    return [
      ['Gives', `${targetName(session)} its share of ${session.keyName} back`],
      ['Helping', names.join(', ')],
    ];
  },
  proposalFor,
  assemble,
  plan(parameters) {
    const { key, helpers } = parseRepair(parseRepairParameters(parameters).repair);
    return { epoch: key.params.epoch, ...repairOrder(helpers.length) };
  },
  findFault,
  conclude: concludeRepair,
  giveUp: async () => undefined,
};

function targetName({ servers }: SessionRecord): string {
  return servers.at(-1)!.name;
}

function proposalFor(
  session: SessionRecord,
  participant: Participant,
  offers: ReadonlyMap<Participant, Data>,
): Proposal | null {
  const { proposal, slot, helpers } = readRepairRecord(session);
  const isTarget = participant.slot === helpers.length + 1;
  if (isTarget) return proposal;
  const target = [...offers].find(([{ slot: seat }]) => seat === helpers.length + 1);
  if (target === undefined) return null;
  const { keyId, epoch } = proposal;
  const loss = encodeLoss(epochOf(session).params.suite, readLoss(session, target[0], target[1]));
  const asked: RepairHelperProposal = { kind: 'repair', role: 'helper', keyId, epoch, slot, loss };
  return asked;
}

/** Checked certificates, by what they were proposed in. */
const checked = new WeakMap<Proposal, CertifiedEpoch>();

function epochOf(session: SessionRecord): CertifiedEpoch {
  const known = checked.get(session.proposal) ?? shownEpoch(readRepairRecord(session));
  checked.set(session.proposal, known);
  return known;
}

/** What every helper checks of it: who says so, of which slot of which epoch, and with which key. */
function readLoss(session: SessionRecord, target: Participant, offer: Data): LossStatement {
  const parsed = lossOffer.safeParse(offer);
  const key = epochOf(session);
  try {
    const loss = parseLoss(key.params.suite, parsed.data?.loss ?? new Uint8Array());
    verifyLoss(key, loss);
    if (loss.slot === readRepairRecord(session).slot) return loss;
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
  }
  throw serverFault('FAULT_SIGNATURE_INVALID', [target], 'did not sign that it lost this share');
}

function assemble(session: SessionRecord, offers: ReadonlyMap<Participant, Data>): Uint8Array {
  const { helpers } = readRepairRecord(session);
  const inOrder = [...offers].toSorted(([one], [other]) => one.slot - other.slot);
  const [target, said] = inOrder.at(-1)!;
  const nonces = inOrder.slice(0, -1).map(([participant, offer]) => {
    const parsed = helpOffer.safeParse(offer);
    if (parsed.success) return parsed.data.nonce;
    throw serverFault('FAULT_MALFORMED', [participant], 'offers something that cannot be read');
  });
  const repair = verifyRepair({ key: epochOf(session), loss: readLoss(session, target, said), helpers });
  return encodeRepairParameters({ repair: encodeRepair(repair), nonces });
}

/** Culprits by where they sit. */
function findFault(parameters: Uint8Array, rounds: readonly (readonly Packet[])[]): Fault | null {
  const repair = parseRepair(parseRepairParameters(parameters).repair);
  const heard: RepairMessage[][] = [];
  for (const [round, packets] of rounds.slice(0, 2).entries()) {
    const messages = packets.map(({ payload }) => decode(payload));
    const culprits = messages.flatMap((message, i) => (message === null ? [(i + 1) as PartyIndex] : []));
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
    heard.push(messages.filter((message) => message !== null));
  }
  const fault = findRepairFault(repair, heard);
  return fault === null ? null : { ...fault, culprits: fault.culprits.map((slot) => seatOf(repair, slot)) };
}

function seatOf({ helpers }: Repair, slot: PartyIndex): PartyIndex {
  return (helpers.indexOf(slot) + 1) as PartyIndex;
}

function decode(payload: Uint8Array): RepairMessage | null {
  try {
    return repairProtocol.message.decode(payload);
  } catch {
    return null;
  }
}
