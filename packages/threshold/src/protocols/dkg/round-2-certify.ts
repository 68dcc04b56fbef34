import { equalBytes, reveal, secret } from '@ckm/foundation';
import type { Fault, Incoming, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import type { DkgOutput } from './output.js';
import { signCocktail } from '../../key/cocktail/signature.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import { type CertifyMessage, type DkgMessage, dkgMessageCodec, isOfRound } from './messages.js';
import { receiveShares } from './receive-shares.js';
import { inSlotOrder, others, resultOf, staticKeysOf } from './run.js';
import type { DkgState, SharedState } from './state.js';

/**
 * With all dealings there: checks them, takes this party's share out of them, and signs what it saw. The state that
 * comes out must be durable before the signature is sent.
 *
 * Order matters: first whether all saw the same round 0 (`RETRY_VIEWS_DIFFER` blames nobody, so that a coordinator who
 * shows different things to different parties cannot make them ban each other), then what anyone can check, last what
 * needs the static secret.
 */
export function certify(
  state: SharedState,
  inbox: readonly Incoming<DkgMessage>[],
): Step<DkgState, DkgMessage, DkgOutput> {
  const { params, me, staticSecret, hedge, round0 } = state;
  const awaited = { round: 1, from: others(params, me) };
  const sorted = sortInbox(dkgMessageCodec, awaited, inbox, isOfRound(1));
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return { kind: 'aborted', fault: sorted.fault };
  const round1 = inSlotOrder(params, sorted.from, me, state.posted);
  if (!round1.every((message) => equalBytes(message.sessionId, state.posted.sessionId))) {
    return aborted({ code: 'RETRY_VIEWS_DIFFER', round: 1, culprits: [] });
  }
  const { group } = cocktailSuite(params.suite);
  const scalar = group.scalars.parseSecret(reveal(staticSecret, 'decrypt shares and sign the transcript'));
  const agreement = group.agree(scalar);
  try {
    const result = resultOf(params, round0, round1, agreement);
    if ('code' in result) return aborted(result);
    const { suite, key, transcript, view } = result;
    const staticPoints = reveal(state.staticPoints, 'decrypt shares');
    const senderKeys = staticKeysOf(params);
    const receiverKey = senderKeys[me - 1]!;
    const received = receiveShares({ ...result, me, agreement, senderKeys, receiverKey, staticPoints });
    if (!(received instanceof Uint8Array)) return aborted(received);
    const signingKey = { secret: scalar, publicKey: receiverKey };
    const signature = signCocktail(suite, signingKey, transcript, reveal(hedge, 'sign the transcript'));
    const posted: CertifyMessage = { round: 2, view, signature };
    const share = secret<Uint8Array>(received);
    return {
      kind: 'waiting',
      state: { round: 2, params, me, share, public: key.public, round0, round1, posted },
      outbox: [{ to: 'everyone', round: 2, body: posted }],
    };
  } finally {
    agreement.end();
    scalar.fill(0);
  }
}

function aborted(fault: Fault): Step<DkgState, DkgMessage, DkgOutput> {
  return { kind: 'aborted', fault };
}
