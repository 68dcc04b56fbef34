import type { Protocol } from '../../protocol/contract.js';
import type { DkgOutput } from './output.js';
import { type DkgMessage, dkgMessageCodec } from './messages.js';
import { commit, type DkgParams } from './round-0-commit.js';
import { share } from './round-1-share.js';
import { certify } from './round-2-certify.js';
import { finish } from './round-3-finish.js';
import { others } from './run.js';
import { type DkgState, dkgStateCodec } from './state.js';

export type { DkgOutput } from './output.js';
export { findPublicFault } from './check-run.js';
export type { CertifyMessage, CommitMessage, DkgMessage, ShareMessage } from './messages.js';
export type { DkgParams } from './round-0-commit.js';
export type { DkgState } from './state.js';

/**
 * Distributed key generation: COCKTAIL-DKG 0.2.1 with a round of commitments before it, all ciphertexts inside the
 * certified transcript, and recovery data that every server keeps. Four steps, three messages of each party:
 * commit, share, certify.
 *
 * Secrecy: no party, and no group of fewer than the quorum, learns the key. Fairness: none; one silent party ends the
 * run, and a new one with another roster begins.
 * Channel: the transport authenticates the sender and binds a message to one run and round; it may do with messages
 * whatever it likes but that.
 * Durability: a state is stored before its outbox is sent, and never restored from a backup: who deals a second time
 * out of one commitment lets the others choose theirs anew.
 * Source: C2SP cocktail-dkg 0.2.1; docs/dkg.md
 */
export const dkgProtocol: Protocol<DkgParams, DkgState, DkgMessage, DkgOutput> = {
  id: 'ckm/dkg/v1',
  state: dkgStateCodec,
  message: dkgMessageCodec,
  start: commit,
  awaiting: (state) => ({ round: state.round, from: others(state.params, state.me) }),
  advance(state, inbox) {
    if (state.round === 0) return share(state, inbox);
    if (state.round === 1) return certify(state, inbox);
    return finish(state, inbox);
  },
};
