import { importProposal, type ImportProposal, type RosterOffer } from '@ckm/api';
import { concatBytes, equalBytes, PeerFaultError, wipe } from '@ckm/foundation';
import {
  encodeKeyParams,
  type Fault,
  type ImportMessage,
  type ImportOutput,
  importProtocol,
  type ImportState,
  parseImportDeal,
  type Step,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';
import { openFirst, rosterBroken } from '../dkg/dkg-room.js';
import {
  assertRoomForKey,
  type DescribedKey,
  describeKey,
  finishKey,
  refusalOf,
  seatsOf,
} from '../dkg/new-key.js';
import { staticKeyFrom } from '../dkg/offer.js';
import { agreeOnKey } from '../dkg/parameters.js';
import { recoverySentence } from '../keys/accept-recovery.js';
import { strictSentence } from '../keys/strict-sentence.js';
import type { EpochRecord } from '../keys/stored/epoch-record.js';
import { readProposal } from '../room/read-proposal.js';
import { abortedBy, inboxOf, readMessage, saidToAll } from '../room/room-messages.js';
import type {
  Admission,
  Asking,
  Heard,
  JoinedSession,
  Room,
  RoomMeans,
  RoomSession,
  RoomStep,
} from '../room/room.js';
import type { Seats } from '../room/seats.js';
import { assertPublicKeyNew, SCAN_MS } from './same-public-key.js';

const SEED_BYTES = 32;
const MAX_PAYLOAD = 256;
const ROUNDS = 1;

/**
 * The room where a key comes in that its owner has whole: he deals it, in the parameters of the session, and every server checks
 * its own share before it signs. Who may, and what a server takes part in, is as for a new key; operators read that it was dealt.
 */
export function createImportRoom(
  context: Pick<ServerContext, 'policy' | 'clock' | 'accounts' | 'vault' | 'config'>,
): Room<ImportProposal> {
  return {
    kind: 'import',
    protocol: importProtocol.id,
    lastRound: ROUNDS - 1,
    parseProposal: (proposal) => readProposal(importProposal, proposal),
    sentence: ({ quorum, suite, purpose, strict, policy: { recovery } }) =>
      `Take over a key (${suite}) for ${purpose}, used by ${quorum.needed} of ${quorum.of} servers${strictSentence(quorum, strict)}${recoverySentence(recovery)}: dealt by its owner. The owner, and whoever had the file, knows the whole key.`,
    cost: () => SCAN_MS,
    admit: (asking, proposal) => admitImport(context, asking, proposal),
    open: openFirst,
    join,
    payloadLimit: () => MAX_PAYLOAD,
    isReadable: (_round, payload) => readMessage(importProtocol.message, payload) !== null,
    advance,
  };
}

async function admitImport(
  context: Pick<ServerContext, 'policy' | 'clock' | 'accounts' | 'vault' | 'config'>,
  asking: Asking,
  proposal: ImportProposal,
): Promise<Admission> {
  const refused = refusalOf(context, proposal);
  if (refused !== null) return refused;
  await assertRoomForKey(context, asking, proposal);
  await assertPublicKeyNew(context, asking.transaction, asking.account.xid, proposal);
  return { kind: 'offer' };
}

/** Everything the protocol computes happens here: the dealing is whole, and comes with the parameters. */
function join(
  means: RoomMeans,
  { sessionId, proposal, offer, secrets }: RoomSession<ImportProposal>,
  bytes: Uint8Array,
): { readonly seats: Seats; readonly step: RoomStep } {
  const deal = parseImportDeal(bytes);
  const { key, own } = agreeOnKey(proposal, offer as RosterOffer, deal.params);
  const { hd, exportable, strict } = key.flags;
  demand(
    hd === proposal.hd && strict === (proposal.strict === true) && !exportable,
    'PARAMETERS_DIFFER',
    'the parameters describe another key than the one proposed',
  );
  const { staticSecret } = staticKeyFrom(key, secrets);
  const seed = means.random(SEED_BYTES);
  try {
    const step = importProtocol.start({ deal, me: own.slot, staticSecret }, seed);
    if (step.kind === 'aborted') throw dealingRefused(step.fault);
    if (step.kind === 'waiting') assertProposedKey(proposal, step.state);
    const described = describeKey(proposal, {
      sessionId,
      slot: own.slot,
      parameters: encodeKeyParams(key),
      staticSeed: secrets.slice(),
    });
    const seats = seatsOf(key, own.slot, ROUNDS);
    return { seats, step: toRoomStep(means, described, proposal, step) };
  } finally {
    seed.fill(0);
    wipe(staticSecret);
  }
}

function assertProposedKey(proposal: ImportProposal, state: ImportState): void {
  if (equalBytes(state.public.groupKey, proposal.groupKey)) return;
  wipe(state.share);
  demand(false, 'PARAMETERS_DIFFER', 'another key was dealt than the one proposed');
}

function advance(
  means: RoomMeans,
  { sessionId, proposal, secrets, seats }: JoinedSession<ImportProposal>,
  heard: readonly Heard[],
): RoomStep {
  // A copy: the key it goes into may be stored after the secrets of this step are gone.
  const staticSeed = secrets.slice(0, SEED_BYTES);
  const state = importProtocol.state.decode(secrets.subarray(SEED_BYTES));
  const inbox = inboxOf(importProtocol.message, 0, heard);
  try {
    const parameters = encodeKeyParams(state.deal.params);
    const described = describeKey(proposal, { sessionId, slot: seats.ownSlot, parameters, staticSeed });
    return toRoomStep(means, described, proposal, importProtocol.advance(state, inbox));
  } finally {
    wipe(state.share);
  }
}

function toRoomStep(
  means: RoomMeans,
  described: DescribedKey,
  { keyId }: ImportProposal,
  step: Step<ImportState, ImportMessage, ImportOutput>,
): RoomStep {
  if (step.kind === 'aborted') {
    described.staticSeed.fill(0);
    return abortedBy(step.fault);
  }
  const says = saidToAll(importProtocol.message, step.outbox);
  if (step.kind === 'finished') return { ...finishKey(means, described, keyId, step.output), says };
  const state = importProtocol.state.encode(step.state);
  const { round, from } = importProtocol.awaiting(step.state);
  const secrets = concatBytes(described.staticSeed, state);
  wipe(step.state.share);
  // From here on others may hold the certificate: the key outlives its session.
  const record: EpochRecord = { ...described, pending: state, certified: null };
  return { kind: 'waiting', secrets, round, awaiting: from, says, keys: [{ kind: 'create', record }] };
}

function dealingRefused({ code, culprits }: Fault): PeerFaultError {
  if (code === 'FAULT_ROSTER') return rosterBroken(culprits);
  const what =
    code === 'SUSPECT_SHARE'
      ? 'the share that was dealt to this server is not the one that was committed to'
      : 'what was dealt does not hold';
  return new PeerFaultError(`${what}: whoever dealt this key is wrong, or lies`, {
    code: 'IMPORT_DEALING_INVALID',
    hint: 'deal the key again, with a program that is not changed',
    retryable: false,
    facts: { fault: code },
  });
}
