import { dkgProposal, type DkgProposal, type RosterOffer } from '@ckm/api';
import { concatBytes, PeerFaultError, wipe } from '@ckm/foundation';
import { DRILL } from '@ckm/requests';
import { dkgProtocol, type DkgMessage, type DkgOutput, type DkgState, type Step } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { makeRoomForDrill } from '../drills/drill-keys.js';
import { recoverySentence } from '../keys/accept-recovery.js';
import type { KeyChange } from '../keys/change-key.js';
import { strictSentence } from '../keys/strict-sentence.js';
import { readProposal } from '../room/read-proposal.js';
import { abortedBy, inboxOf, readMessage, saidToAll } from '../room/room-messages.js';
import type {
  Admission,
  Asking,
  Heard,
  JoinedSession,
  Opened,
  Owned,
  Room,
  RoomMeans,
  RoomSession,
  RoomStep,
} from '../room/room.js';
import type { Seats } from '../room/seats.js';
import {
  assertRoomForKey,
  type DescribedKey,
  describeKey,
  finishKey,
  refusalOf,
  seatsOf,
} from './new-key.js';
import { FIRST_EPOCH, makeOffer, staticKeyFrom } from './offer.js';
import { agreeOnParameters } from './parameters.js';

const SEED_BYTES = 32;

/** Longest payload of a dealing among 32 servers, with room to spare; the codec knows the exact length. */
const MAX_PAYLOAD = 60_000;

/**
 * The room where keys are made: COCKTAIL-DKG with the profile of docs/dkg.md. Its secrets are the seed of the static key,
 * and behind it the protocol's state from when the session is joined.
 */
export function createDkgRoom(context: ServerContext): Room<DkgProposal> {
  return {
    kind: 'dkg',
    protocol: dkgProtocol.id,
    lastRound: LAST_ROUND,
    parseProposal: (proposal) => readProposal(dkgProposal, proposal),
    takesDrills: true,
    sentence: ({ quorum, suite, purpose, exportable, strict, policy: { recovery } }) =>
      `Make a key (${suite}) for ${purpose === DRILL ? 'a drill' : purpose}, used by ${quorum.needed} of ${quorum.of} servers${strictSentence(quorum, strict)}${exportable === true ? ', which may be exported' : ''}${recoverySentence(recovery)}.`,
    admit: (asking, proposal) => admitKey(context, asking, proposal),
    open: openFirst,
    join,
    payloadLimit: () => MAX_PAYLOAD,
    isReadable: (_round, payload) => readMessage(dkgProtocol.message, payload) !== null,
    advance,
  };
}

const LAST_ROUND = 2;

async function admitKey(context: ServerContext, asking: Asking, proposal: DkgProposal): Promise<Admission> {
  const refused = refusalOf(context, proposal);
  if (refused !== null) return refused;
  const { account, transaction } = asking;
  if (proposal.purpose === DRILL) await makeRoomForDrill(context, transaction, account.xid);
  await assertRoomForKey(context, asking, proposal);
  return { kind: 'offer' };
}

/** A static key for the first epoch of a key, whoever makes that. */
export function openFirst(
  means: RoomMeans,
  { owner }: Owned,
  proposal: Pick<DkgProposal, 'suite' | 'keyId' | 'policy'>,
): Opened {
  const { suite, keyId, policy } = proposal;
  const scope = { suite, keyId, epoch: FIRST_EPOCH };
  const seed = means.staticSeeds.create({ owner, ...scope }, policy.recovery);
  const key = staticKeyFrom(scope, seed, means.random(SEED_BYTES));
  wipe(key.staticSecret);
  return { offer: makeOffer(means, proposal, key), secrets: seed };
}

function join(
  means: RoomMeans,
  { sessionId, proposal, offer, secrets }: RoomSession<DkgProposal>,
  bytes: Uint8Array,
): { readonly seats: Seats; readonly step: RoomStep } {
  const { key, own } = agreeOnParameters(proposal, offer as RosterOffer, bytes);
  const { staticSecret } = staticKeyFrom(key, secrets);
  const seed = means.random(SEED_BYTES);
  try {
    const step = dkgProtocol.start({ key, me: own.slot, staticSecret }, seed);
    if (step.kind === 'aborted') throw rosterBroken(step.fault.culprits);
    const { slot } = own;
    const described = describeKey(proposal, {
      sessionId,
      slot,
      parameters: bytes,
      staticSeed: secrets.slice(),
    });
    return {
      seats: seatsOf(key, slot, LAST_ROUND + 1),
      step: toRoomStep(means, described, proposal.keyId, step),
    };
  } finally {
    seed.fill(0);
    wipe(staticSecret);
  }
}

function advance(
  means: RoomMeans,
  { sessionId, proposal, parameters, secrets, seats, round }: JoinedSession<DkgProposal>,
  heard: readonly Heard[],
): RoomStep {
  // A copy: the key it goes into may be stored after the secrets of this step are gone.
  const staticSeed = secrets.slice(0, SEED_BYTES);
  const state = dkgProtocol.state.decode(secrets.subarray(SEED_BYTES));
  const inbox = inboxOf(dkgProtocol.message, round, heard);
  try {
    const step = dkgProtocol.advance(state, inbox);
    const described = describeKey(proposal, { sessionId, slot: seats.ownSlot, parameters, staticSeed });
    return toRoomStep(means, described, proposal.keyId, step);
  } finally {
    wipeState(state);
  }
}

function toRoomStep(
  means: RoomMeans,
  described: DescribedKey,
  keyId: Uint8Array,
  step: Step<DkgState, DkgMessage, DkgOutput>,
): RoomStep {
  if (step.kind === 'aborted') {
    described.staticSeed.fill(0);
    return abortedBy(step.fault);
  }
  const says = saidToAll(dkgProtocol.message, step.outbox);
  if (step.kind === 'finished') return { ...finishKey(means, described, keyId, step.output), says };
  const state = dkgProtocol.state.encode(step.state);
  const { round, from } = dkgProtocol.awaiting(step.state);
  // From here on others may hold the certificate: the key outlives its session.
  const keys: readonly KeyChange[] =
    step.state.round === LAST_ROUND
      ? [{ kind: 'create', record: { ...described, pending: state, certified: null } }]
      : [];
  const secrets = concatBytes(described.staticSeed, state);
  if (keys.length === 0) {
    described.staticSeed.fill(0);
    state.fill(0);
  }
  wipeState(step.state);
  return { kind: 'waiting', secrets, round, awaiting: from, says, keys };
}

function wipeState(state: DkgState): void {
  if (state.round === 2) return wipe(state.share);
  wipe(state.staticSecret);
  if (state.round === 0) return wipe(state.root);
  wipe(state.staticPoints);
  wipe(state.hedge);
}

export function rosterBroken(culprits: readonly number[]): PeerFaultError {
  return new PeerFaultError(`the roster does not hold at slot ${culprits.join(', ')}`, {
    code: 'FAULT_ROSTER',
    hint: 'ask the servers named for a new offer, or choose others',
    retryable: false,
    facts: { culprits },
  });
}
