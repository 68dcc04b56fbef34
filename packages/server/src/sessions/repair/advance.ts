import { type RepairProposal, type RepairTargetProposal, signIdentityStatement } from '@ckm/api';
import { BugError, concatBytes, reveal, wipe } from '@ckm/foundation';
import {
  encodeKeyParams,
  type Fault,
  type KeyShare,
  type PartyIndex,
  recoveryAckStatement,
  type Repair,
  type RepairMessage,
  type RepairOutput,
  repairProtocol,
  type RepairState,
  type Step,
} from '@ckm/threshold';
import type { KeyChange } from '../keys/change-key.js';
import type { CertifiedEpoch, EpochRecord } from '../keys/stored/epoch-record.js';
import { readMessage } from '../room/room-messages.js';
import type { Heard, JoinedSession, RoomMeans, RoomStep, Said } from '../room/room.js';
import { seatOf, slotAt } from './parameters.js';

type RepairStep = Step<RepairState, RepairMessage, RepairOutput>;

/** Takes everything awaited in a round; who sits where becomes who is which slot. */
export function advanceRepair(
  means: RoomMeans,
  { proposal, secrets, round }: JoinedSession<RepairProposal>,
  heard: readonly Heard[],
): RoomStep {
  const state = repairProtocol.state.decode(secrets.subarray(1));
  const { repair } = state;
  const inbox = heard.flatMap(({ from, payload }) => {
    const [slot, body] = [slotAt(repair, from), readMessage(repairProtocol.message, payload)];
    return slot === undefined || body === null ? [] : [{ from: slot, round, body }];
  });
  try {
    return toRoomStep(means, proposal, repair, secrets.subarray(0, 1), repairProtocol.advance(state, inbox));
  } finally {
    wipeState(state);
  }
}

/** @param agreed one byte: whether the operator agreed to it @returns the step, with nothing secret left in `step` */
export function toRoomStep(
  means: RoomMeans,
  proposal: RepairProposal,
  repair: Repair,
  agreed: Uint8Array,
  step: RepairStep,
): RoomStep {
  if (step.kind === 'aborted') return { kind: 'aborted', fault: faultOf(repair, step.fault) };
  const says = step.outbox.map(({ to, round, body }): Said => ({
    round,
    to: to === 'everyone' ? 0 : seatOf(repair, to),
    payload: repairProtocol.message.encode(body),
  }));
  if (step.kind === 'finished') {
    return { kind: 'finished', says, ...finished(means, proposal, repair, agreed, step.output) };
  }
  const state = repairProtocol.state.encode(step.state);
  const { round, from } = repairProtocol.awaiting(step.state);
  const secrets = concatBytes(agreed.subarray(0, 1), state);
  state.fill(0);
  wipeState(step.state);
  const awaiting = from.map((slot) => seatOf(repair, slot));
  return { kind: 'waiting', secrets, round, awaiting, says, keys: [] };
}

function finished(
  means: RoomMeans,
  proposal: RepairProposal,
  { key, loss }: Repair,
  agreed: Uint8Array,
  output: RepairOutput,
): Pick<Extract<RoomStep, { kind: 'finished' }>, 'keys' | 'result'> {
  const { keyId, epoch } = key.params;
  const { transcriptHash } = key;
  if (output.role === 'helper') {
    const help: KeyChange = { kind: 'help', epoch, slot: loss.slot, isAgreed: agreed[0] === 1 };
    return { keys: [help], result: { kind: 'repair', keyId, transcriptHash, acknowledgement: null } };
  }
  if (proposal.role !== 'target') throw roleBroken();
  const record = recordOf(means, proposal, { key, loss }, output.share);
  const { acknowledgement } = record.certified!;
  return {
    keys: [{ kind: 'regain', record, chain: proposal.chain }],
    result: { kind: 'repair', keyId, transcriptHash, acknowledgement },
  };
}

/** What is stored of the share, as if it had been restored: what it was dealt with is lost, and not kept. */
function recordOf(
  { identity }: RoomMeans,
  { chain, policy }: RepairTargetProposal,
  { key, loss: { slot } }: Pick<Repair, 'key' | 'loss'>,
  { share, public: publicHalf }: KeyShare,
): EpochRecord {
  const { params, transcriptHash } = key;
  const { suite, purpose, quorum, keyId, epoch } = params;
  const { groupKey, commitment, verifyingShares, chainCode } = publicHalf;
  const statement = recoveryAckStatement({ keyId, epoch, slot, transcriptHash });
  const certified: CertifiedEpoch = {
    share: reveal(share, 'seal a share into its row').slice(),
    certificate: chain.at(-1)!,
    transcriptHash,
    acknowledgement: signIdentityStatement(identity, statement),
    groupKey,
    commitment,
    verifyingShares,
    chainCode,
    ...(policy.version === undefined ? {} : { termsVersion: policy.version }),
  };
  wipe(share);
  const parameters = encodeKeyParams(params);
  const kept = { sessionId: null, pending: null, staticSeed: null };
  return { suite, purpose, quorum, policy, slot, epoch, parameters, ...kept, certified };
}

/** Culprits by where they sit, as everybody in the session names them. */
function faultOf(repair: Repair, { code, round, culprits }: Fault) {
  return { code, round, culprits: culprits.map((slot: PartyIndex) => seatOf(repair, slot)) };
}

function wipeState(state: RepairState): void {
  if (state.role === 'target') return wipe(state.sealingSecret);
  if (state.round === 0) {
    wipe(state.share);
    return wipe(state.root);
  }
  wipe(state.runSecret);
  return wipe(state.kept);
}

function roleBroken(): BugError {
  return new BugError('a server that helps with a repair got a share out of it', {
    code: 'ROOM_OUT_OF_TURN',
    hint: 'report this: a protocol does not keep its own order',
  });
}
