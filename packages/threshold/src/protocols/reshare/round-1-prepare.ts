import { equalBytes, reveal, secret } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import { signCocktail } from '../../key/cocktail/signature.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import type { Fault, Incoming, PartyIndex, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import { staticPointsOf } from '../dkg/dealing.js';
import { receiveShares } from '../dkg/receive-shares.js';
import type { ChangeParams } from './change.js';
import { type DealMessage, isOfRound, type ReshareMessage, reshareMessageCodec } from './messages.js';
import type { ReshareOutput } from './output.js';
import { type ChangeResult, changeResult } from './run.js';
import { dealerSeats } from './seats.js';
import type { DealtState, ReceiverSecrets, ReshareState } from './state.js';
import { changeSession } from './transcript.js';

/**
 * With all dealings there: checks them; a receiver takes its share out of them and signs what it saw. The state that comes
 * out must be durable before the signature is sent, and the share of the old epoch stays beside it.
 *
 * Order matters, as in a key generation: first whether all have the same parameters (`RETRY_VIEWS_DIFFER` blames nobody),
 * then what anyone can check, last what needs the static secret.
 */
export function prepare(
  state: DealtState,
  inbox: readonly Incoming<ReshareMessage>[],
): Step<ReshareState, ReshareMessage, ReshareOutput> {
  const { before, change, me, receives } = state;
  const seats = dealerSeats(before, change);
  const awaited = { round: 0, from: seats.filter((seat) => seat !== me) };
  const sorted = sortInbox(reshareMessageCodec, awaited, inbox, isOfRound(0));
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return aborted(sorted.fault);
  const deals = seats.map((seat) => (seat === me ? state.posted! : sorted.from.get(seat)!));
  const { sessionId } = changeSession(before, change);
  if (!deals.every((message) => equalBytes(message.sessionId, sessionId))) {
    return aborted({ code: 'RETRY_VIEWS_DIFFER', round: 0, culprits: [] });
  }
  return receives === null ? lookOn(state, deals) : receive(state, deals, receives);
}

/** Of a party that only dealt: it checks what anyone can, so that it may vote later. */
function lookOn(
  { before, change, me }: DealtState,
  deals: readonly DealMessage[],
): Step<ReshareState, ReshareMessage, ReshareOutput> {
  const result = changeResult(before, change, deals);
  if ('code' in result) return aborted(result);
  const { transcript, view, key } = result;
  return {
    kind: 'waiting',
    state: {
      round: 1,
      before,
      change,
      me,
      share: null,
      public: key.public,
      transcript,
      view,
      deals,
      posted: null,
    },
    outbox: [],
  };
}

function receive(
  { before, change, me }: DealtState,
  deals: readonly DealMessage[],
  { staticSecret, hedge }: ReceiverSecrets,
): Step<ReshareState, ReshareMessage, ReshareOutput> {
  const { group } = cocktailSuite(change.next.suite);
  const scalar = group.scalars.parseSecret(reveal(staticSecret, 'decrypt shares and sign the transcript'));
  const agreement = group.agree(scalar);
  try {
    const result = changeResult(before, change, deals, agreement);
    if ('code' in result) return aborted(result);
    const received = takeShare(change, result, me, scalar, agreement);
    if (!(received instanceof Uint8Array)) {
      const seats = dealerSeats(before, change);
      const culprits = received.culprits.map((dealer) => seats[dealer - 1]!).sort((a, b) => a - b);
      return aborted({ ...received, round: 0, culprits });
    }
    const { suite, transcript, view, key } = result;
    const signingKey = { secret: scalar, publicKey: change.next.roster[me - 1]!.staticKey };
    const signature = signCocktail(suite, signingKey, transcript, reveal(hedge, 'sign the transcript'));
    const posted = { round: 1 as const, view, signature };
    const share = secret<Uint8Array>(received);
    return {
      kind: 'waiting',
      state: { round: 1, before, change, me, share, public: key.public, transcript, view, deals, posted },
      outbox: [{ to: 'everyone', round: 1, body: posted }],
    };
  } finally {
    agreement.end();
    scalar.fill(0);
  }
}

/**
 * The share that all dealers together gave to one receiver, compared with its new public share.
 * @returns a fault that names the n-th dealer as party n
 */
export function takeShare(
  change: ChangeParams,
  result: ChangeResult,
  me: PartyIndex,
  staticSecret: SecretScalar,
  agreement: Agreement,
): SecretScalar | Fault {
  const { suite, senderKeys } = result;
  const receiverKey = change.next.roster[me - 1]!.staticKey;
  const staticPoints = staticPointsOf(suite, staticSecret, senderKeys, null);
  try {
    return receiveShares({ ...result, me, agreement, receiverKey, staticPoints });
  } finally {
    staticPoints.fill(0);
  }
}

function aborted(fault: Fault): Step<ReshareState, ReshareMessage, ReshareOutput> {
  return { kind: 'aborted', fault };
}
