import { CkmError, equalBytes } from '@ckm/foundation';
import { type BareCaller, storedShares } from '@ckm/server/test';
import { fetchChain } from '@ckm/testkit';
import {
  type CertifiedEpoch,
  judgeVotes,
  parseCertificate,
  parseChangeCertificate,
  verifyChain,
} from '@ckm/threshold';
import { giveTheKey, placeShare, type SeenShare } from './share-judge.js';
import type { TestNetwork } from './test-network.js';

/** Draws a whole number below a bound. */
export type Draw = (bound: number) => number;

/** Sees whatever lies at any server, remembers every share that ever lay there, and knows what may not be. */
export interface LifeJudge {
  /** @throws when servers have two certificates of one epoch, or shares give the key that may not */
  judge(draw: Draw): Promise<void>;
}

export interface Judged {
  readonly network: TestNetwork;
  readonly keyId: Uint8Array;
  readonly groupKey: Uint8Array;
  callerOf(name: string): Promise<BareCaller>;
}

/** How many sets of shares are tried each time. */
const MOST_SETS = 12;

export function createLifeJudge({ network, keyId, groupKey, callerOf }: Judged): LifeJudge {
  const epochs = new Map<number, CertifiedEpoch>();
  const seen = new Map<string, SeenShare>();
  const neededIn = (epoch: number) => epochs.get(epoch)!.params.quorum.needed;

  async function noteEpochs(): Promise<void> {
    for (const { name } of network.servers) {
      for (const epoch of await chainAt(await callerOf(name), keyId)) {
        const { epoch: number } = epoch.params;
        const known = epochs.get(number) ?? epoch;
        epochs.set(number, known);
        if (!equalBytes(known.transcriptHash, epoch.transcriptHash))
          throw new Error(`two certificates of epoch ${number} are in use: ${name} has another one`);
        if (!equalBytes(epoch.public.groupKey, groupKey))
          throw new Error(`epoch ${number} is of another key`);
      }
    }
  }

  async function noteShares(): Promise<void> {
    for (const { bare } of network.servers) {
      for (const { epoch, share } of await storedShares(bare)) {
        const placed = placeShare(share, epochs.get(epoch)!);
        seen.set(`${epoch}/${placed.slot}`, placed);
      }
    }
  }

  /** Whoever kept a whole quorum of any epoch has the key: why old shares are destroyed. */
  function judgeQuorums(draw: Draw): void {
    for (const epoch of epochs.keys()) {
      const own = shuffled(
        [...seen.values()].filter((one) => one.epoch === epoch),
        draw,
      ).slice(0, neededIn(epoch));
      if (own.length === neededIn(epoch) && !giveTheKey(own, groupKey))
        throw new Error(`a quorum of epoch ${epoch} does not give the key`);
    }
  }

  /** As many shares of all epochs as one likes, as long as they are too few of each. */
  function judgeMixtures(draw: Draw): void {
    for (let tries = 0; tries < MOST_SETS; tries++) {
      const mixed: SeenShare[] = [];
      for (const one of shuffled([...seen.values()], draw)) {
        const isNewSlot = mixed.every(({ slot }) => slot !== one.slot);
        const ofEpoch = mixed.filter(({ epoch }) => epoch === one.epoch).length;
        if (isNewSlot && ofEpoch + 1 < neededIn(one.epoch)) mixed.push(one);
        if (giveTheKey(mixed, groupKey))
          throw new Error(`the key comes of ${mixed.map(({ epoch, slot }) => `${epoch}/${slot}`).join(' ')}`);
      }
    }
  }

  return {
    async judge(draw) {
      await noteEpochs();
      await noteShares();
      judgeQuorums(draw);
      judgeMixtures(draw);
    },
  };
}

/** What a server shows of a key, checked; nothing where it does not know it. */
async function chainAt(caller: BareCaller, keyId: Uint8Array): Promise<readonly CertifiedEpoch[]> {
  try {
    const [first, ...changes] = await fetchChain(caller, keyId);
    return verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes);
  } catch (error) {
    if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return [];
    throw error;
  }
}

export function shuffled<T>(items: readonly T[], draw: Draw): readonly T[] {
  const left = [...items];
  return items.map(() => left.splice(draw(left.length), 1)[0]!);
}
