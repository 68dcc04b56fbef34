import { EVERYONE, reshareProposal, type ReshareOffer, type ReshareProposal } from '@ckm/api';
import { equalBytes, secret, wipe } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import {
  createStaticKey,
  reshareProtocol,
  type ReshareMessage,
  type ReshareOutput,
  type ReshareState,
  type Seat,
  type Step,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { refusal } from '../../refusals.js';
import { readProposal } from '../room/read-proposal.js';
import { costOfEpochs } from '../session-cost.js';
import { abortedBy, inboxOf, readMessage, saidToAll } from '../room/room-messages.js';
import type { Reader } from '../../storage/storage.js';
import { type Deciding, readDeciding } from '../changes/deciding.js';
import { assertKnownIn } from '../changes/chain/known-members.js';
import type { ChangeMeans } from '../changes/means.js';
import { sentenceOfMove } from '../changes/end-tries.js';
import { assertHeadKnown } from '../keys/head-memory.js';
import { readSecrets } from '../keys/stored/read-key.js';
import type {
  Heard,
  Joined,
  JoinedSession,
  Opened,
  Owned,
  Room,
  RoomMeans,
  RoomSession,
  RoomStep,
} from '../room/room.js';
import type { Seats } from '../room/seats.js';
import { admitReshare, assertTakesPart } from './admit.js';
import { makeOffer } from './offer.js';
import { type AgreedChange, agreeOnChange } from './parameters.js';

const SEED_BYTES = 32;
const LAST_ROUND = 1;
/** Verifying one promise, in milliseconds of one core. */
const PROMISE_MS = 0.2;
/** Longest payload of a dealing among 32 servers, with room to spare; the codec knows the exact length. */
const MAX_PAYLOAD = 60_000;

/**
 * The room where the shares of one epoch become those of the next. What a server needs to take its share out of the certificate
 * is stored before it makes an offer, and outlives the session; so this room changes no key. Its secrets are the seed of the static
 * key of this try, and behind it the protocol's state from when the session is joined.
 */
export function createReshareRoom(means: Pick<ChangeMeans, 'context' | 'counting'>): Room<ReshareProposal> {
  const { context } = means;
  return {
    kind: 'reshare',
    protocol: reshareProtocol.id,
    lastRound: LAST_ROUND,
    parseProposal: (proposal) => readProposal(reshareProposal, proposal),
    sentence: sentenceOfMove,
    // Whoever joins compares with all rosters.
    cost: ({ promises, order }) => promises.length * PROMISE_MS + costOfEpochs(order.epoch),
    admit: (asking, proposal) => admitReshare(means, asking, proposal),
    open: (room, owned, proposal) => open(context, room, owned, proposal),
    join: (room, session, parameters) => join(means, room, session, parameters),
    payloadLimit: () => MAX_PAYLOAD,
    isReadable: (_round, payload) => readMessage(reshareProtocol.message, payload) !== null,
    advance,
  };
}

async function open(
  context: ServerContext,
  means: RoomMeans,
  { owner, reader }: Owned,
  proposal: ReshareProposal,
): Promise<Opened> {
  const { keyId, order } = proposal;
  const deciding = await readDeciding(context, reader, { owner, keyId, epoch: order.epoch });
  const { offer, seed } = makeOffer(context, means, deciding, proposal);
  return { offer: { ...offer } as unknown as Data, secrets: seed };
}

/** Here the dealings leave: what was asked when the session was proposed is asked once more. */
async function join(
  change: Pick<ChangeMeans, 'context' | 'counting'>,
  means: RoomMeans,
  { owner, reader, proposal, offer, secrets }: RoomSession<ReshareProposal>,
  bytes: Uint8Array,
): Promise<Joined> {
  const { context } = change;
  const { keyId, order } = proposal;
  const deciding = await readDeciding(context, reader, { owner, keyId, epoch: order.epoch });
  assertTakesPart(change, deciding, proposal);
  const { xid } = means.identity;
  const against = { ...deciding, memory: context.checkedChanges };
  const agreed = agreeOnChange(against, xid, proposal, offer as unknown as ReshareOffer, bytes);
  await assertKnownIn(context, { read: (work) => work(reader) }, deciding, [agreed.change]);
  const step = await start(context, means, reader, deciding, agreed, secrets);
  return { seats: tableOf(agreed, order.epoch + 1), step: toRoomStep(keyId, secrets, step) };
}

async function start(
  context: ServerContext,
  means: RoomMeans,
  reader: Reader,
  deciding: Deciding,
  { change, own }: AgreedChange,
  receiverSeed: Uint8Array,
): Promise<ReshareStep> {
  const { before } = deciding;
  const deals = own.dealer === null ? null : await readDealer(context, reader, deciding);
  const { suite, keyId, epoch } = change.next;
  const receives =
    own.receiver === null ? null : createStaticKey(suite, keyId, epoch, receiverSeed.subarray(0, SEED_BYTES));
  const seed = means.random(SEED_BYTES);
  let step: ReshareStep | undefined;
  try {
    step = reshareProtocol.start(
      {
        before,
        change,
        me: own.seat,
        memory: context.checkedChanges,
        deals: deals === null ? null : { ...deals, nonce: change.dealers[own.dealer!]!.nonce },
        receives:
          receives === null
            ? null
            : { staticSecret: receives.staticSecret, nonce: change.nonces[own.receiver! - 1]! },
      },
      seed,
    );
    return step;
  } finally {
    seed.fill(0);
    // While it waits for others, it is in its state.
    if (receives !== null && step?.kind !== 'waiting') wipe(receives.staticSecret);
    if (deals !== null) for (const one of [deals.share, deals.staticSecret]) wipe(one);
  }
}

/** What this server deals with: its share of the old epoch and the secret of its static key there. */
async function readDealer(context: ServerContext, reader: Reader, deciding: Deciding) {
  const { owner, keyId, epoch, key, before, slot } = deciding;
  if (key === null || slot === null) throw refusal('CHANGE_NOT_MEMBER', 'this server has no share to deal');
  assertHeadKnown(context, key.row, key.head);
  const { share, staticSeed, pending } = await readSecrets(context, reader, key.row, key.head);
  pending?.fill(0);
  if (share === null) throw refusal('KEY_NOT_CERTIFIED', 'this key has no certificate yet');
  const { suite } = before.params;
  const seed = staticSeed ?? context.staticSeeds.derive({ owner, suite, keyId, epoch });
  const { staticKey, staticSecret } = createStaticKey(suite, keyId, epoch, seed);
  seed.fill(0);
  if (!equalBytes(staticKey, before.params.roster[slot - 1]!.staticKey)) {
    wipe(staticSecret);
    share.fill(0);
    throw refusal(
      'CHANGE_CANNOT_DEAL',
      'the share of this server came back from others, and it has nothing to deal it with',
    );
  }
  return { share: secret(share), staticSecret };
}

type ReshareStep = Step<ReshareState, ReshareMessage, ReshareOutput>;

/** Who says what to whom: dealers in round 0, receivers in round 1, everything to everyone. */
function tableOf({ seats, own }: AgreedChange, epoch: number): Seats {
  const from = (speaks: (seat: Seat) => boolean) => seats.filter(speaks).map(({ seat }) => seat);
  return {
    identityKeys: seats.map(({ entry }) => entry.identityKey),
    sealingKeys: seats.map(({ entry }) => entry.sealingKey),
    ownSlot: own.seat,
    epoch,
    speeches: [
      [{ from: from(({ dealer }) => dealer !== null), to: EVERYONE }],
      [{ from: from(({ receiver }) => receiver !== null), to: EVERYONE }],
    ],
  };
}

function advance(
  _means: RoomMeans,
  { proposal, secrets, round }: JoinedSession<ReshareProposal>,
  heard: readonly Heard[],
): RoomStep {
  const state = reshareProtocol.state.decode(secrets.subarray(SEED_BYTES));
  const inbox = inboxOf(reshareProtocol.message, round, heard);
  try {
    return toRoomStep(proposal.keyId, secrets, reshareProtocol.advance(state, inbox));
  } finally {
    wipeState(state);
  }
}

function toRoomStep(keyId: Uint8Array, secrets: Uint8Array, step: ReshareStep): RoomStep {
  if (step.kind === 'aborted') return abortedBy(step.fault);
  const says = saidToAll(reshareProtocol.message, step.outbox);
  if (step.kind === 'finished') {
    const { share, transcriptHash } = step.output;
    if (share !== null) wipe(share.share);
    return { kind: 'finished', says, keys: [], result: { kind: 'reshare', keyId, transcriptHash } };
  }
  const state = reshareProtocol.state.encode(step.state);
  const { round, from } = reshareProtocol.awaiting(step.state);
  const kept = new Uint8Array(SEED_BYTES + state.length);
  kept.set(secrets.subarray(0, SEED_BYTES));
  kept.set(state, SEED_BYTES);
  state.fill(0);
  wipeState(step.state);
  return { kind: 'waiting', secrets: kept, round, awaiting: from, says, keys: [] };
}

function wipeState(state: ReshareState): void {
  if (state.round === 1) return state.share === null ? undefined : wipe(state.share);
  if (state.receives === null) return;
  wipe(state.receives.staticSecret);
  wipe(state.receives.hedge);
}
