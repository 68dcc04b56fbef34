import { hashSettlement } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../key-record.js';
import { isMadeBy, readOrderedForks, type RecordedFork } from './order-forks.js';
import { type Fork, type ForkChoice, provedBy } from './read-fork.js';
import { choiceUnknown, notForked, settlementOpen } from './settle-errors.js';

export interface SettlementWish {
  readonly name: string;
  /**
   * First digits of what the certificate that is to count is called, of whichever epoch. Default: what goes on already, or the one on record here
   * of the fork that stops the key.
   */
  readonly counts?: string;
}

export interface SettlementPlan {
  readonly fork: Fork;
  /** Which one is to count. */
  readonly counts: ForkChoice;
  /** Whether that was said, is on record here, or goes on. Where not, it has to be said: which one comes first is up to servers. */
  readonly isChosen: boolean;
  /** Whether that was ordered from here before, and goes on. */
  readonly goesOn: boolean;
  /** Whether votes that hold settle it in several ways, on record here or shown by servers: which is to count has to be said, and may be said anew. */
  readonly isContested: boolean;
  /** 32 bytes: names the order. Its likeness in words is what operators type. */
  readonly orderHash: Uint8Array;
  /** Forks of other epochs that are not settled as far as is known here. */
  readonly others: readonly Fork[];
}

/**
 * What settling would settle. Servers are asked what they have seen; nothing is ordered or written.
 * @throws StateError `KEY_NOT_FORKED`, `CHANGE_OPEN`; UsageError `FORK_CHOICE_UNKNOWN`
 */
export async function planSettlement(
  context: ClientContext,
  key: CertifiedKey,
  { counts }: Pick<SettlementWish, 'counts'>,
): Promise<SettlementPlan> {
  const { name } = key.record;
  const forks = await readOrderedForks(context, key);
  if (forks.length === 0) throw notForked(name);
  const named = counts === undefined ? undefined : namedIn(forks, name, counts);
  const { fork, record, isContested } = named?.of ?? forks[0]!;
  const known =
    record === null ? undefined : fork.choices.find((one) => isMadeBy(fork, one, record.certificates[0]!));
  const own = fork.choices.find(({ isOnRecord }) => isOnRecord);
  const chosen = named?.choice ?? known ?? own ?? fork.choices[0]!;
  const isOther = known !== undefined && chosen !== known;
  if (isOther && !isContested) throw settlementOpen(name);
  const goesOn = known !== undefined && !isOther;
  const isSaid = named !== undefined || (goesOn && record?.insists === true);
  return {
    fork,
    counts: chosen,
    isChosen: isSaid || (!isContested && (goesOn || own !== undefined)),
    goesOn,
    isContested,
    orderHash: nameOfOrder(
      fork,
      goesOn
        ? record!.certificates
        : [chosen, ...fork.choices.filter((one) => one !== chosen)].map(({ certificate }) => certificate),
    ),
    others: forks.flatMap((one) => (one.fork === fork || one.isSettled ? [] : [one.fork])),
  };
}

/** @throws UsageError `FORK_CHOICE_UNKNOWN` */
function namedIn(forks: readonly RecordedFork[], name: string, counts: string) {
  const all = forks.flatMap((of) => of.fork.choices.map((choice) => ({ of, choice })));
  const wanted = counts.toLowerCase();
  const [first, ...more] = all.filter(({ choice }) => choice.id.startsWith(wanted));
  if (first !== undefined && more.length === 0 && wanted.length >= 4) return first;
  throw choiceUnknown(
    name,
    counts,
    all.map(({ choice }) => choice.id),
  );
}

/** What an order is called. @param certificates the one that is to count first */
export function nameOfOrder({ keyId, epoch, before }: Fork, certificates: readonly Uint8Array[]): Uint8Array {
  const [counts, ...others] = certificates
    .flatMap((bytes) => provedBy(before, bytes))
    .map(({ name }) => name);
  return hashSettlement({ keyId, epoch, transcriptHash: before.transcriptHash }, counts!, others);
}
