import { equalBytes, reveal, secret, type Secret, UsageError } from '@ckm/foundation';
import { groupOfEpoch, openCertifiedShare } from '../../key/certified-epoch.js';
import { assertSeed } from '../../key/static-key.js';
import type { PartyIndex } from '../../protocol/contract.js';
import { proveKnowledge } from '../../proofs/index.js';
import type { OpenMessage } from './messages.js';
import type { RepairStep } from './output.js';
import { hashRepair, type Repair, verifyRepair } from './repair.js';
import { deriveOpening, deriveRoot } from './secrets.js';
import { runKeyStatement } from './session.js';

/** What a server that helps starts a run with. */
export interface HelperParams {
  readonly role: 'helper';
  readonly repair: Repair;
  readonly me: PartyIndex;
  /** This server's own, certified one. */
  readonly share: Secret<Uint8Array>;
}

/** What the server that has lost its share starts a run with. */
export interface TargetParams {
  readonly role: 'target';
  readonly repair: Repair;
  /** From `createLoss`, with the statement in `repair`. */
  readonly sealingSecret: Secret<Uint8Array>;
}

export type RepairParams = HelperParams | TargetParams;

/**
 * Checks who asks for what. A helper compares its share with its certificate and shows a key for this run; the target,
 * whose nonce and key are in its statement, only listens.
 * @param seed 32 fresh bytes; the target needs none of them
 * @throws as `verifyRepair` · UsageError `SEED_INVALID`, `PARTY_MISSING`, `SEALING_SECRET_WRONG` · StorageError
 * `SHARE_NOT_CERTIFIED` · EncodingError `SCALAR_INVALID`
 */
export function open(params: RepairParams, seed: Uint8Array): RepairStep {
  assertSeed(seed);
  const repair = verifyRepair(params.repair);
  return params.role === 'target' ? listen(params, repair) : help(params, repair, seed);
}

function help({ me, share }: HelperParams, repair: Repair, seed: Uint8Array): RepairStep {
  if (!repair.helpers.includes(me)) {
    throw new UsageError('this server is not among the helpers of the repair', {
      code: 'PARTY_MISSING',
      hint: 'start with the slot that the roster gives to this server',
    });
  }
  const group = groupOfEpoch(repair.key);
  const scalar = openCertifiedShare(repair.key, me, share);
  const hash = hashRepair(repair);
  const root = deriveRoot(seed, scalar, hash, me);
  const { runSecret, nonce, hedge } = deriveOpening(group, root);
  const element = group.mulBase(runSecret);
  const proof = proveKnowledge(group, runKeyStatement(hash, nonce, me, element), runSecret, hedge);
  runSecret.fill(0);
  hedge.fill(0);
  const posted: OpenMessage = { round: 0, nonce, runKey: group.encode(element), proof };
  return {
    kind: 'waiting',
    state: { role: 'helper', round: 0, repair, me, share: secret<Uint8Array>(scalar), root, posted },
    outbox: [{ to: 'everyone', round: 0, body: posted }],
  };
}

function listen({ sealingSecret }: TargetParams, repair: Repair): RepairStep {
  const group = groupOfEpoch(repair.key);
  const { slot, sealingKey } = repair.loss;
  const scalar = group.scalars.parseSecret(
    reveal(sealingSecret, 'compare it with the statement of the loss'),
  );
  const isOwn = equalBytes(group.encode(group.mulBase(scalar)), sealingKey);
  if (!isOwn) {
    scalar.fill(0);
    throw new UsageError('this secret does not open what is sealed to the statement of the loss', {
      code: 'SEALING_SECRET_WRONG',
      hint: 'start with the secret that was made with the statement',
    });
  }
  return {
    kind: 'waiting',
    state: { role: 'target', round: 0, repair, me: slot, sealingSecret: secret<Uint8Array>(scalar) },
    outbox: [],
  };
}
