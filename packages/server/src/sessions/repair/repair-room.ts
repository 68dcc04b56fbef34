import {
  helpOffer,
  isDrillKeyId,
  lossOffer,
  REPAIR_DELAY_SECONDS,
  type RepairHelperProposal,
  type RepairProposal,
  repairProposal,
  type RepairTargetProposal,
  signIdentityStatement,
} from '@ckm/api';
import { concatBytes, PolicyError, reveal, secret, wipe } from '@ckm/foundation';
import { DRILL } from '@ckm/requests';
import {
  type CertifiedEpoch,
  createLoss,
  encodeLoss,
  lossStatement,
  parseLoss,
  repairProtocol,
  verifyLoss,
} from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import { demand } from '../../refusals.js';
import { acceptKey } from '../dkg/new-key.js';
import { makeRoomForDrill } from '../drills/drill-keys.js';
import { isOfRepair } from '../keys/change-key.js';
import { isRefused } from '../room/is-refused.js';
import { readProposal } from '../room/read-proposal.js';
import { readMessage } from '../room/room-messages.js';
import type {
  Admission,
  Asking,
  Granted,
  Joined,
  Opened,
  Owned,
  Room,
  RoomMeans,
  RoomSession,
} from '../room/room.js';
import { costOfChain, costOfEpochs } from '../session-cost.js';
import { advanceRepair, toRoomStep } from './advance.js';
import { readHeldKey, readHeldShare } from './held-key.js';
import { assertLost, assertNotHere, readShownKey } from './lost-share.js';
import { agreeOnRepair, seatsOfRepair } from './parameters.js';
import { storeRepair } from './store-repair.js';

const SEED_BYTES = 32;
const LAST_ROUND = 2;

/**
 * The room where a server that has lost its share is given it back by a quorum of the others: docs/repair.md, ADR 0041. It has
 * two sides. The target makes its statement when its operator says that the share is lost, and only listens. A helper waits
 * for its operator, or for the time that L6 gives him, and then speaks three times. Its secrets are one byte (whether the
 * operator agreed) and the protocol's state; before that, at the target, what opens the answers.
 */
export function createRepairRoom(context: ServerContext): Room<RepairProposal> {
  return {
    kind: 'repair',
    protocol: repairProtocol.id,
    lastRound: LAST_ROUND,
    parseProposal: (proposal) => readProposal(repairProposal, proposal),
    takesDrills: true,
    sentence: (proposal) =>
      proposal.role === 'target'
        ? `Say that this server has lost its share of ${nounOf(proposal)} (epoch ${proposal.epoch}), and take it back from others.`
        : `Help slot ${proposal.slot} of ${nounOf(proposal)} to the share that it has lost (epoch ${proposal.epoch}).`,
    // All epochs are gone through twice: to be compared with, and for what becomes of them here.
    cost: (proposal) =>
      proposal.role === 'target' ? costOfChain(proposal.chain) + 2 * costOfEpochs(proposal.epoch) : LOSS_MS,
    admit: (asking, proposal) =>
      proposal.role === 'target'
        ? admitTarget(context, asking, proposal)
        : admitHelper(context, asking, proposal),
    storeKey: async (transaction, row, change) => {
      if (isOfRepair(change)) await storeRepair(context, transaction, row, change);
    },
    isPaused: (owned, proposal) => isPaused(context, owned, proposal),
    declined: (proposal) =>
      proposal.role === 'target' ? [] : [{ kind: 'decline', epoch: proposal.epoch, slot: proposal.slot }],
    open: (means, owned, proposal, granted) => open(context, means, owned, proposal, granted),
    join: (means, session, parameters) =>
      session.proposal.role === 'target'
        ? joinTarget(context, means, session as TargetSession, parameters)
        : joinHelper(context, means, session as HelperSession, parameters),
    payloadLimit: () => repairProtocol.message.maxBytes,
    isReadable: (round, payload) => readMessage(repairProtocol.message, payload)?.round === round,
    advance: advanceRepair,
  };
}

function nounOf({ keyId }: RepairProposal): string {
  return isDrillKeyId(keyId) ? 'this key of a drill' : 'this key';
}

/** Nothing is at stake with a key that holds nothing and signs one fixed text: nobody is asked, and nothing is waited for (L2). */
function isOfDrill({ params: { keyId, purpose } }: Pick<CertifiedEpoch, 'params'>): boolean {
  return isDrillKeyId(keyId) && purpose === DRILL;
}

type TargetSession = RoomSession<RepairTargetProposal>;
type HelperSession = RoomSession<RepairHelperProposal>;

/** Checking a statement: two signatures and a proof. */
const LOSS_MS = 4;

/** Its operator always decides: that a share is lost is said by a person. Of a key of a drill the server says it itself. */
async function admitTarget(
  context: ServerContext,
  { account, transaction }: Asking,
  proposal: RepairTargetProposal,
): Promise<Admission> {
  await assertNotHere(context, transaction, account.xid, proposal);
  await transaction.shownEpochs.hold(account.xid, proposal.keyId);
  const shown = await readShownKey(context, transaction, account.xid, proposal);
  await assertLost(context, transaction, account.xid, shown);
  const { suite, purpose, flags } = shown.key.params;
  try {
    acceptKey(context, {
      keyId: proposal.keyId,
      suite,
      purpose,
      policy: proposal.policy,
      exportable: flags.exportable,
    });
  } catch (error) {
    if (error instanceof PolicyError) return { kind: 'refusal', error };
    throw error;
  }
  const bytes = proposal.chain.reduce((sum, { length }) => sum + length, 0);
  await context.accounts.quota.bytes(transaction, account, bytes);
  const isHeld = (await transaction.keys.find(account.xid, proposal.keyId)) !== null;
  if (!isHeld) await context.accounts.quota.key(transaction, account);
  if (!isOfDrill(shown.key)) return { kind: 'ask' };
  if (!isHeld) await makeRoomForDrill(context, transaction, account.xid);
  return { kind: 'offer' };
}

/** A second time in one epoch silence is no yes. */
async function admitHelper(
  context: ServerContext,
  { account, transaction }: Asking,
  proposal: RepairHelperProposal,
): Promise<Admission> {
  const held = await readHeldKey(context, transaction, { owner: account.xid, ...proposal });
  const { key, slot, helped } = held;
  const loss = parseLoss(key.params.suite, proposal.loss);
  verifyLoss(key, loss);
  demand(
    loss.slot === proposal.slot,
    'PARAMETERS_DIFFER',
    'the statement is of another slot than the proposal',
  );
  demand(slot !== loss.slot, 'SHARE_NOT_LOST', 'this server has its share');
  if (isOfDrill(key)) return { kind: 'offer' };
  return helped.includes(loss.slot) ? { kind: 'ask' } : { kind: 'ask', grantedAfter: REPAIR_DELAY_SECONDS };
}

/** While this server would not help, its operator's silence says nothing. */
async function isPaused(
  context: ServerContext,
  { owner, reader }: Owned,
  proposal: RepairProposal,
): Promise<boolean> {
  return isRefused(() => readHeldKey(context, reader, { owner, ...proposal }));
}

/** What was right when it was proposed may not be any more: the share may be there again. */
async function open(
  context: ServerContext,
  means: RoomMeans,
  { owner, reader }: Owned,
  proposal: RepairProposal,
  granted: Granted,
): Promise<Opened> {
  if (proposal.role === 'helper') {
    // The room itself grants only what is of a drill, as often as it is asked.
    return { offer: { nonce: means.random(32) }, secrets: Uint8Array.of(granted === 'time' ? 0 : 1) };
  }
  const shown = await readShownKey(context, reader, owner, proposal);
  await assertLost(context, reader, owner, shown);
  const { key, own } = shown;
  const seed = means.random(SEED_BYTES);
  const { sealingSecret, loss } = createLoss(key, own.slot, seed);
  seed.fill(0);
  const signature = signIdentityStatement(means.identity, lossStatement(loss));
  const secrets = concatBytes(AGREED, reveal(sealingSecret, 'keep what opens the answers of the helpers'));
  wipe(sealingSecret);
  return { offer: { loss: encodeLoss(key.params.suite, { ...loss, signature }) }, secrets };
}

const AGREED = Uint8Array.of(1);

async function joinTarget(
  context: ServerContext,
  means: RoomMeans,
  { owner, reader, proposal, offer, secrets }: TargetSession,
  parameters: Uint8Array,
): Promise<Joined> {
  const { key, own } = await readShownKey(context, reader, owner, proposal);
  const loss = parseLoss(key.params.suite, lossOffer.parse(offer).loss);
  const repair = agreeOnRepair({ key, loss, slot: own.slot, nonce: null }, parameters);
  const sealingSecret = secret(secrets.slice(1));
  const seed = means.random(SEED_BYTES);
  try {
    const step = repairProtocol.start({ role: 'target', repair, sealingSecret }, seed);
    const seats = seatsOfRepair(repair, own.slot);
    return { seats, step: toRoomStep(means, proposal, repair, AGREED, step) };
  } finally {
    seed.fill(0);
    wipe(sealingSecret);
  }
}

async function joinHelper(
  context: ServerContext,
  means: RoomMeans,
  { owner, reader, proposal, offer, secrets }: HelperSession,
  parameters: Uint8Array,
): Promise<Joined> {
  const held = await readHeldKey(context, reader, { owner, ...proposal });
  const { key, slot } = held;
  const loss = parseLoss(key.params.suite, proposal.loss);
  const { nonce } = helpOffer.parse(offer);
  const repair = agreeOnRepair({ key, loss, slot, nonce }, parameters);
  const share = await readHeldShare(context, reader, held);
  const seed = means.random(SEED_BYTES);
  try {
    const step = repairProtocol.start({ role: 'helper', repair, me: slot, share }, seed);
    return { seats: seatsOfRepair(repair, slot), step: toRoomStep(means, proposal, repair, secrets, step) };
  } finally {
    seed.fill(0);
    wipe(share);
  }
}
