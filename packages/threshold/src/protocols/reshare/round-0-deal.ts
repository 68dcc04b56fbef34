import { equalBytes, PeerFaultError, reveal, type Secret, UsageError, wipe } from '@ckm/foundation';
import type { SecretScalar } from '../../group/group.js';
import { assertSeed } from '../../key/static-key.js';
import type { PartyIndex, Step } from '../../protocol/contract.js';
import { lagrangeAtZero } from '../../sharing/index.js';
import { createDealing, openDealer, staticPointsOf } from '../dkg/dealing.js';
import { deriveRunSecrets, wipeRunSecrets } from '../dkg/secrets.js';
import { type CertifiedEpoch, changeInvalid, type ChangeParams } from './change.js';
import { verifyChangeParams } from './check-change.js';
import type { CheckedParams } from './checked-params.js';
import type { DealMessage, ReshareMessage } from './messages.js';
import type { ReshareOutput } from './output.js';
import { type Seat, seatsOf } from './seats.js';
import type { ReceiverSecrets, ReshareState } from './state.js';
import { type ChangeSession, changeSession, deriveDealingRoot, deriveHedge } from './transcript.js';

/** What an old member deals with. */
export interface DealingSecrets {
  /** s: its share of the old epoch. */
  readonly share: Secret<Uint8Array>;
  /** d, the discrete logarithm of its static key in the old epoch. */
  readonly staticSecret: Secret<Uint8Array>;
  /** The nonce that it offered for this run. */
  readonly nonce: Uint8Array;
}

/** What a member of the next epoch receives with. */
export interface ReceivingSecrets {
  /** d′, the discrete logarithm of the static key that it offered for this run. */
  readonly staticSecret: Secret<Uint8Array>;
  /** The nonce that it offered with that key. */
  readonly nonce: Uint8Array;
}

/** What one party starts a change with. Who deals, who receives and who does both follows from its seat. */
export interface ReshareParams {
  readonly before: CertifiedEpoch;
  readonly change: ChangeParams;
  /** Its seat, see `seatsOf`. */
  readonly me: PartyIndex;
  /** Null where its seat does not deal. */
  readonly deals: DealingSecrets | null;
  /** Null where its seat receives no share. */
  readonly receives: ReceivingSecrets | null;
  /** Spares checking parameters that it knows; absent: they are checked anew. */
  readonly memory?: CheckedParams;
}

/**
 * Checks the parameters of a change and, as a dealer, shares out λ·s among the receivers: by a polynomial of the degree of
 * the next quorum, whose constant term everybody can compare with the old certificate.
 * @param seed 32 fresh bytes; the same seed and parameters give the same bytes
 * @returns aborted with `FAULT_ROSTER` when an entry of the next roster does not hold
 * @throws EncodingError `CHANGE_INVALID`, or as `assertKeyParams` · UsageError `SEED_INVALID`, `PARTY_MISSING`,
 * `STATIC_SECRET_WRONG`, `SHARE_FOREIGN`
 */
export function deal(
  { before, change, me, deals, receives, memory }: ReshareParams,
  seed: Uint8Array,
): Step<ReshareState, ReshareMessage, ReshareOutput> {
  assertSeed(seed);
  const culprits = rosterCulprits(before, change, memory);
  if (culprits !== undefined) return { kind: 'aborted', fault: { code: 'FAULT_ROSTER', round: 0, culprits } };
  const seat = seatsOf(before, change)[me - 1];
  if (seat === undefined) throw partyMissing();
  const isMine =
    (deals === null) === (seat.dealer === null) && (receives === null) === (seat.receiver === null);
  if (!isMine) throw partyMissing();
  const session = changeSession(before, change);
  const receiving = receives === null ? null : prepareToReceive(change, session, seat, receives, seed);
  const posted = deals === null ? null : dealShare(before, change, session, seat, deals, seed);
  return {
    kind: 'waiting',
    state: { round: 0, before, change, me, receives: receiving, posted },
    outbox: posted === null ? [] : [{ to: 'everyone', round: 0, body: posted }],
  };
}

/** The slots of the next epoch whose entries do not hold, or `undefined`. @throws EncodingError `CHANGE_INVALID` */
function rosterCulprits(
  before: CertifiedEpoch,
  change: ChangeParams,
  memory: CheckedParams | undefined,
): readonly PartyIndex[] | undefined {
  try {
    verifyChangeParams(before, change, memory);
    return undefined;
  } catch (error) {
    if (error instanceof PeerFaultError) return error.facts['culprits'] as readonly PartyIndex[];
    throw error;
  }
}

function prepareToReceive(
  change: ChangeParams,
  { suite, receiverKeys, sessionId }: ChangeSession,
  seat: Seat,
  { staticSecret, nonce }: ReceivingSecrets,
  seed: Uint8Array,
): ReceiverSecrets {
  const slot = seat.receiver! - 1;
  if (!equalBytes(nonce, change.nonces[slot]!)) throw changeInvalid('nonces');
  const scalar = suite.group.scalars.parseSecret(reveal(staticSecret, 'receive a share'));
  const own = suite.group.encode(suite.group.mulBase(scalar));
  scalar.fill(0);
  if (!equalBytes(own, receiverKeys[slot]!)) throw staticSecretWrong();
  return { staticSecret, hedge: deriveHedge(seed, staticSecret, sessionId) };
}

/** The dealing of one party. @throws as {@link deal} */
export function dealShare(
  before: CertifiedEpoch,
  change: ChangeParams,
  session: ChangeSession,
  seat: Seat,
  secrets: DealingSecrets,
  seed: Uint8Array,
): DealMessage {
  const { suite, sessionId, senderKeys } = session;
  const { group } = suite;
  const { slot, nonce } = change.dealers[seat.dealer!]!;
  if (!equalBytes(secrets.nonce, nonce)) throw changeInvalid('dealers');
  const staticSecret = group.scalars.parseSecret(reveal(secrets.staticSecret, 'encrypt shares'));
  const share = group.scalars.parseSecret(reveal(secrets.share, 'share out a share'));
  try {
    if (!isLogarithm(session, staticSecret, senderKeys[seat.dealer!]!)) throw staticSecretWrong();
    if (!isLogarithm(session, share, before.public.verifyingShares[slot - 1]!)) throw shareForeign();
    const dealers = change.dealers.map((dealer) => dealer.slot);
    const constantTerm = group.scalars.multiply(share, lagrangeAtZero(group, dealers, slot));
    const dealing = dealSecret(change, session, {
      root: deriveDealingRoot(seed, share, sessionId, slot),
      constantTerm,
      staticSecret,
      senderKey: senderKeys[seat.dealer!]!,
    });
    constantTerm.fill(0);
    return { round: 0, sessionId, dealing };
  } finally {
    staticSecret.fill(0);
    share.fill(0);
  }
}

interface SecretToDeal {
  readonly root: Secret<Uint8Array>;
  /** λ·s */
  readonly constantTerm: SecretScalar;
  readonly staticSecret: SecretScalar;
  readonly senderKey: Uint8Array;
}

/** A dealing whose polynomial is random but for its constant term. */
function dealSecret(
  change: ChangeParams,
  { suite, receiverKeys, context }: ChangeSession,
  { root, constantTerm, staticSecret, senderKey }: SecretToDeal,
): Uint8Array {
  const random = deriveRunSecrets(suite.group, root, change.next.quorum.needed);
  const secrets = { ...random, coefficients: [constantTerm, ...random.coefficients.slice(1)] };
  const staticPoints = staticPointsOf(suite, staticSecret, receiverKeys, null);
  const dealing = createDealing(suite, {
    secrets,
    opening: openDealer(suite, secrets),
    me: null,
    staticSecret,
    senderKey,
    staticKeys: receiverKeys,
    staticPoints,
    context,
  });
  staticPoints.fill(0);
  wipe(root);
  wipeRunSecrets(random);
  return dealing;
}

function isLogarithm({ suite }: ChangeSession, scalar: SecretScalar, encoded: Uint8Array): boolean {
  return suite.group.encodesTo(suite.group.mulBase(scalar), encoded);
}

function partyMissing(): UsageError {
  return new UsageError('this party has no such part in the change', {
    code: 'PARTY_MISSING',
    hint: 'start with the seat of this server, and with the secrets of what it does there',
  });
}

function staticSecretWrong(): UsageError {
  return new UsageError('the static secret does not belong to the static key of this server', {
    code: 'STATIC_SECRET_WRONG',
    hint: 'start with the secret that was made for this key and epoch',
  });
}

function shareForeign(): UsageError {
  return new UsageError('the share is not the one that this server was certified for', {
    code: 'SHARE_FOREIGN',
    hint: 'deal with the share of this key and epoch',
  });
}
