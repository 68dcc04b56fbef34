import { randomBytes } from 'node:crypto';
import {
  commitmentsIn,
  type FrostAttempt,
  type NonceCommitment,
  packCommitments,
  unpackCommitments,
  type RequestAsk,
  type RequestReply,
  sharesIn,
} from '@ckm/api';
import { frostResults, requestKind, frostTasks } from '@ckm/requests';
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
  /** Default: the first. */
  readonly epoch?: number;
}

/** What is asked of all signers alike. */
export interface Ask {
  readonly kind: string;
  readonly payload: Uint8Array;
  readonly requestId?: Uint8Array;
}

/** A client without a memory: asks, attempts, aggregates, and leaves every check to the test. */
export interface QuorumSigner {
  request(slot: number, ask: Ask, rest: Partial<RequestAsk>): Promise<RequestReply>;
  /** Fresh commitments of one server. */
  pool(slot: number, count?: number): Promise<readonly NonceCommitment[]>;
  /** One attempt for all `signers`, with fresh commitments of each for every task. */
  prepare(signers: readonly number[], tasks?: number, number?: number): Promise<FrostAttempt>;
  /** The shares of all signers of an attempt. */
  attempt(ask: Ask, attempt: FrostAttempt): Promise<readonly RequestReply[]>;
  /** Puts shares together, task by task. */
  combine(ask: Ask, attempt: FrostAttempt, replies: readonly RequestReply[]): readonly Aggregate[];
  /** The artefact, out of one honest attempt of these signers. */
  sign(ask: Ask, signers: readonly number[]): Promise<Uint8Array>;
}

export function createQuorumSigner(options: SignerOptions): QuorumSigner {
  const { servers, keyId, key, purpose, expiresAt, epoch = 0 } = options;
  const context = { suite: key.suite, purpose, public: key };

  function tasksOf({ kind: name, payload }: Ask) {
    return requestKind(name).parse(payload).tasks(context);
  }

  const signer: QuorumSigner = {
    request(slot, { kind, payload, requestId = fresh() }, rest) {
      const request = {
        requestId,
        keyId,
        epoch,
        kind,
        payload,
        expiresAt,
        attempt: null,
        wanted: null,
        ...rest,
      };
      return servers[slot - 1]!.call('request.ask', request);
    },
    async pool(slot, count = 1) {
      const wanted = { craft: 'frost', commitments: count } as const;
      return commitmentsIn(await servers[slot - 1]!.call('craft.prepare', { keyId, epoch, wanted }));
    },
    async prepare(signers, tasks = 1, number = 1) {
      const pools = await Promise.all(signers.map((slot) => signer.pool(slot, tasks)));
      const commitments = Array.from({ length: tasks }, (_, task) =>
        packCommitments(pools.map((pool) => pool[task]!)),
      );
      return { craft: 'frost', number, signers: [...signers], commitments };
    },
    attempt(ask, attempt) {
      const same = { requestId: fresh(), ...ask };
      return Promise.all(attempt.signers.map((slot) => signer.request(slot, same, { attempt })));
    },
    combine(ask, { signers, commitments }, replies) {
      return frostTasks(tasksOf(ask)).map(({ message, tweak }, task) =>
        aggregate({
          key: deriveKey(key, tweak),
          package: {
            message,
            commitments: unpackCommitments(commitments[task]!, signers.length)!.map((pair, i) => ({
              party: signers[i] as PartyIndex,
              ...pair,
            })),
          },
          shares: replies.map((reply, i) => ({
            party: signers[i] as PartyIndex,
            share: sharesIn(reply)[task]!,
          })),
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
      return requestKind(ask.kind).parse(ask.payload).finish(context, frostResults(signatures));
    },
  };
  return signer;
}

/** What `craft.prepare` is asked for by a test: that many commitments in the first epoch of a key. */
export function preparing(keyId: Uint8Array, count: number) {
  return { keyId, epoch: 0, wanted: { craft: 'frost', commitments: count } } as const;
}

function fresh(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}
