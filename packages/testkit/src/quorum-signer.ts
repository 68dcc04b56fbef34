import { randomBytes } from 'node:crypto';
import type { NonceCommitment, SigningAttempt, SigningReply, SigningRequest } from '@ckm/api';
import { requestKind } from '@ckm/requests';
import { aggregate, deriveKey, type Aggregate, type PartyIndex, type PublicKeyPackage } from '@ckm/threshold';
import type { Callee } from './callee.js';

export interface SignerOptions {
  /** In slot order. */
  readonly servers: readonly Callee[];
  readonly keyId: Uint8Array;
  readonly purpose: string;
  readonly key: PublicKeyPackage;
  /** UnixSeconds. */
  readonly expiresAt: number;
}

/** What is asked of all signers alike. */
export interface Ask {
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly requestId?: Uint8Array;
}

/** A client without a memory: asks, attempts, aggregates, and leaves every check to the test. */
export interface QuorumSigner {
  request(slot: number, ask: Ask, rest: Partial<SigningRequest>): Promise<SigningReply>;
  /** Fresh commitments of one server. */
  pool(slot: number, count?: number): Promise<readonly NonceCommitment[]>;
  /** One attempt for all `signers`, with fresh commitments of each for every task. */
  prepare(signers: readonly number[], tasks?: number, number?: number): Promise<SigningAttempt>;
  /** The shares of all signers of an attempt. */
  attempt(ask: Ask, attempt: SigningAttempt): Promise<readonly SigningReply[]>;
  /** Puts shares together, task by task. */
  combine(ask: Ask, attempt: SigningAttempt, replies: readonly SigningReply[]): readonly Aggregate[];
  /** The artefact, out of one honest attempt of these signers. */
  sign(ask: Ask, signers: readonly number[]): Promise<Uint8Array>;
}

export function createQuorumSigner(options: SignerOptions): QuorumSigner {
  const { servers, keyId, key, purpose, expiresAt } = options;
  const context = { suite: key.suite, purpose, public: key };

  function tasksOf({ kind: name, payload }: Ask) {
    const kind = requestKind(name);
    return kind.tasks(kind.parse(payload), context);
  }

  const signer: QuorumSigner = {
    request(slot, { kind, payload, requestId = fresh() }, rest) {
      const request = {
        requestId,
        keyId,
        kind,
        payload,
        expiresAt,
        attempt: null,
        commitmentsWanted: 0,
        ...rest,
      };
      return servers[slot - 1]!.call('sign.request', request);
    },
    async pool(slot, count = 1) {
      return (await servers[slot - 1]!.call('key.pool', { keyId, count })).commitments;
    },
    async prepare(signers, tasks = 1, number = 1) {
      const pools = await Promise.all(signers.map((slot) => signer.pool(slot, tasks)));
      const commitments = Array.from({ length: tasks }, (_, task) => pools.map((pool) => pool[task]!));
      return { number, signers: [...signers], commitments };
    },
    attempt(ask, attempt) {
      const same = { requestId: fresh(), ...ask };
      return Promise.all(attempt.signers.map((slot) => signer.request(slot, same, { attempt })));
    },
    combine(ask, { signers, commitments }, replies) {
      return tasksOf(ask).map(({ message, tweak }, task) =>
        aggregate({
          key: deriveKey(key, tweak),
          package: {
            message,
            commitments: commitments[task]!.map((pair, i) => ({ party: signers[i] as PartyIndex, ...pair })),
          },
          shares: replies.map(({ shares }, i) => ({ party: signers[i] as PartyIndex, share: shares[task]! })),
        }),
      );
    },
    async sign(ask, signers) {
      const attempt = await signer.prepare(signers, tasksOf(ask).length);
      const combined = signer.combine(ask, attempt, await signer.attempt(ask, attempt));
      const signatures = combined.map((one) => {
        if (one.kind === 'signature') return one.signature;
        throw new Error(`wrong shares of ${one.culprits.join(', ')}`);
      });
      const kind = requestKind(ask.kind);
      return kind.finish(kind.parse(ask.payload), context, signatures);
    },
  };
  return signer;
}

function fresh(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}
