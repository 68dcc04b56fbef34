import { reveal, secret } from '@ckm/foundation';
import type { Incoming, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import type { DkgOutput } from './output.js';
import { createDealing, staticPointsOf } from './dealing.js';
import { type DkgMessage, dkgMessageCodec, isOfRound, type ShareMessage } from './messages.js';
import { inSlotOrder, others, sessionOf, staticKeysOf } from './run.js';
import { deriveRunSecrets, wipeRunSecrets } from './secrets.js';
import type { CommittedState, DkgState } from './state.js';

/** With all commitments there: fixes the session, deals one encrypted share to every party, and forgets the polynomial. */
export function share(
  state: CommittedState,
  inbox: readonly Incoming<DkgMessage>[],
): Step<DkgState, DkgMessage, DkgOutput> {
  const { params, me, staticSecret, root, opening } = state;
  const awaited = { round: 0, from: others(params, me) };
  const sorted = sortInbox(dkgMessageCodec, awaited, inbox, isOfRound(0));
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return { kind: 'aborted', fault: sorted.fault };
  const round0 = inSlotOrder(params, sorted.from, me, state.posted);
  const { suite, sessionId, context } = sessionOf(params, round0);
  const secrets = deriveRunSecrets(suite.group, root, params.quorum.needed);
  const scalar = suite.group.scalars.parseSecret(reveal(staticSecret, 'encrypt shares'));
  const staticKeys = staticKeysOf(params);
  const staticPoints = staticPointsOf(suite, scalar, staticKeys, me);
  const dealing = createDealing(suite, {
    secrets,
    opening,
    me,
    staticSecret: scalar,
    senderKey: staticKeys[me - 1]!,
    staticKeys,
    staticPoints,
    context,
  });
  const hedge = secret(secrets.hedge.slice());
  scalar.fill(0);
  wipeRunSecrets(secrets);
  const posted: ShareMessage = { round: 1, sessionId, dealing, salt: secrets.salt };
  return {
    kind: 'waiting',
    state: {
      round: 1,
      params,
      me,
      staticSecret,
      staticPoints: secret(staticPoints),
      hedge,
      round0,
      posted,
    },
    outbox: [{ to: 'everyone', round: 1, body: posted }],
  };
}
