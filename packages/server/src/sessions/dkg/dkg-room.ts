import type { Proposal } from '@ckm/api';
import { concatBytes, EncodingError, PeerFaultError, UsageError, wipe } from '@ckm/foundation';
import { purposeKinds, requestKind } from '@ckm/requests';
import { dkgProtocol, type DkgMessage, type DkgOutput, type DkgState, type Step } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand } from '../errors.js';
import type { KeyRecord } from '../keys/key-record.js';
import type { Heard, KeyChange, Room, RoomStep, SessionRecord } from '../room.js';
import { certifyKey } from './complete-key.js';
import { FIRST_EPOCH, makeOffer, staticKeyFrom } from './offer.js';
import { agreeOnParameters, readParameters, type OwnParameters } from './parameters.js';

const SEED_BYTES = 32;

/**
 * The room where keys are made: COCKTAIL-DKG with the profile of docs/dkg.md. Its secrets are the seed of the static key,
 * and behind it the protocol's state from when the session is joined.
 */
export const dkgRoom: Room = {
  kind: 'dkg',
  protocol: dkgProtocol.id,
  lastRound: 2,
  sentence: ({ quorum: { needed, of }, suite, purpose }) =>
    `Make a ${suite} key for ${purpose}, used by ${needed} of ${of} servers.`,
  accept: acceptKey,
  open(context, owner, proposal) {
    const { suite, keyId } = proposal;
    const scope = { suite, keyId, epoch: FIRST_EPOCH };
    const seed = context.staticSeeds.create({ owner, ...scope });
    const key = staticKeyFrom(scope, seed, context.random(SEED_BYTES));
    wipe(key.staticSecret);
    return { offer: makeOffer(context, proposal, key), secrets: seed };
  },
  join,
  members(_context, { offer, parameters }) {
    const { key, own } = readParameters(offer!, parameters!);
    return {
      identityKeys: key.roster.map((entry) => entry.identityKey),
      ownSlot: own.slot,
      epoch: FIRST_EPOCH,
    };
  },
  isReadable: (payload) => decodeMessage(payload) !== null,
  advance,
};

/**
 * Whether this server takes part in a key of that suite for that purpose, under that policy.
 * @throws PolicyError, UsageError
 */
export function acceptKey(
  context: ServerContext,
  { suite, purpose, policy }: Pick<Proposal, 'suite' | 'purpose' | 'policy'>,
): void {
  const possible = purposeKinds(purpose);
  for (const name of policy.kinds) {
    const kind = possible.find((candidate) => candidate === name);
    demand(kind !== undefined, 'KIND_NOT_FOR_PURPOSE', `a key for ${purpose} does not answer to this kind`);
    if (!requestKind(kind).suites.includes(suite)) throw suiteNotForPurpose(suite, purpose);
  }
  const verdict = context.policy.acceptKey(policy, suite, purpose, context.clock());
  if (verdict.verdict === 'refuse') throw verdict.error;
}

function join(
  context: ServerContext,
  { proposal, offer, secrets }: SessionRecord,
  sessionId: Uint8Array,
  bytes: Uint8Array,
): RoomStep {
  const parameters = agreeOnParameters(proposal, offer!, bytes);
  const { key, own } = parameters;
  const { staticSecret } = staticKeyFrom(key, secrets!);
  const seed = context.random(SEED_BYTES);
  try {
    const step = dkgProtocol.start({ key, me: own.slot, staticSecret }, seed);
    if (step.kind === 'aborted') throw rosterBroken(step.fault.culprits);
    const described = describe(proposal, sessionId, parameters, bytes, secrets!);
    return toRoomStep(context, described, proposal.keyId, step);
  } finally {
    seed.fill(0);
    wipe(staticSecret);
  }
}

function advance(
  context: ServerContext,
  { proposal, offer, parameters: bytes, secrets, round }: SessionRecord,
  sessionId: Uint8Array,
  heard: readonly Heard[],
): RoomStep {
  const staticSeed = secrets!.subarray(0, SEED_BYTES);
  const state = dkgProtocol.state.decode(secrets!.subarray(SEED_BYTES));
  const inbox = heard.flatMap(({ from, payload }) => {
    const body = decodeMessage(payload);
    return body === null ? [] : [{ from: from as DkgState['me'], round, body }];
  });
  try {
    const step = dkgProtocol.advance(state, inbox);
    const parameters = readParameters(offer!, bytes!);
    const described = describe(proposal, sessionId, parameters, bytes!, staticSeed);
    return toRoomStep(context, described, proposal.keyId, step);
  } finally {
    wipeState(state);
  }
}

/** What is known of a key while it is made. */
type DescribedKey = Omit<KeyRecord, 'pending' | 'certified'> & { readonly staticSeed: Uint8Array };

function describe(
  { suite, purpose, quorum, policy }: Proposal,
  sessionId: Uint8Array,
  { own }: OwnParameters,
  parameters: Uint8Array,
  staticSeed: Uint8Array,
): DescribedKey {
  const { slot } = own;
  return { suite, purpose, quorum, policy, slot, epoch: FIRST_EPOCH, sessionId, parameters, staticSeed };
}

function toRoomStep(
  context: ServerContext,
  described: DescribedKey,
  keyId: Uint8Array,
  step: Step<DkgState, DkgMessage, DkgOutput>,
): RoomStep {
  if (step.kind === 'aborted') {
    const { code, round, culprits } = step.fault;
    return { kind: 'aborted', fault: { code, round, culprits: [...culprits] } };
  }
  const says = step.outbox.map(({ round, body }) => ({ round, payload: dkgProtocol.message.encode(body) }));
  if (step.kind === 'finished') {
    const certified = certifyKey(context, step.output);
    const { transcriptHash, acknowledgement } = certified;
    const record: KeyRecord = { ...described, pending: null, certified };
    return {
      kind: 'finished',
      says,
      key: { state: 'active', record },
      result: { keyId, transcriptHash, acknowledgement },
    };
  }
  const state = dkgProtocol.state.encode(step.state);
  const { round, from } = dkgProtocol.awaiting(step.state);
  // From here on others may hold the certificate: the key outlives its session.
  const pending: KeyChange | null =
    step.state.round === 2
      ? { state: 'pending', record: { ...described, pending: state, certified: null } }
      : null;
  const secrets = concatBytes(described.staticSeed, state);
  wipeState(step.state);
  return { kind: 'waiting', secrets, round, awaiting: from, says, key: pending };
}

function decodeMessage(payload: Uint8Array): DkgMessage | null {
  try {
    return dkgProtocol.message.decode(payload);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

function wipeState(state: DkgState): void {
  if (state.round === 2) return wipe(state.share);
  wipe(state.staticSecret);
  if (state.round === 0) return wipe(state.root);
  wipe(state.staticPoints);
  wipe(state.hedge);
}

function rosterBroken(culprits: readonly number[]): PeerFaultError {
  return new PeerFaultError(`the roster does not hold at slot ${culprits.join(', ')}`, {
    code: 'FAULT_ROSTER',
    hint: 'ask the servers named for a new offer, or choose others',
    retryable: false,
    facts: { culprits },
  });
}

function suiteNotForPurpose(suite: string, purpose: string): UsageError {
  return new UsageError(`a key for ${purpose} cannot be a ${suite} key`, {
    code: 'SUITE_NOT_FOR_PURPOSE',
    hint: 'leave the suite out, so that it is chosen for the purpose',
  });
}
