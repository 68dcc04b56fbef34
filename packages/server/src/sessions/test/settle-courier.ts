import type { SettlementView } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import {
  encodeLockCertificate,
  encodeVotes,
  parseChangeCertificate,
  parseStatement,
  type RosterEntry,
  type Signed,
  type Statement,
  judgeVotes,
  parseCertificate,
  verifyChain,
  verifyChange,
} from '@ckm/threshold';
import { fetchChain } from '@ckm/testkit';
import type { BareCaller } from './bare-server.js';

export interface SettleOptions {
  /** The members of the epoch whose members settle, in order of their slots. */
  readonly members: readonly BareCaller[];
  readonly keyId: Uint8Array;
  /** The one that is to count, then the others. */
  readonly certificates: readonly Uint8Array[];
}

/** Settling which of several certificates of one epoch counts, as somebody carries it by hand from server to server. */
export interface CarriedSettling {
  readonly epoch: number;
  /** Transcript hash of the epoch that is to count. */
  readonly next: Uint8Array;
  propose(at: BareCaller, acknowledgements?: readonly Acknowledged[]): Promise<SettlementView>;
  promise(slots: readonly number[], attempt?: number, shown?: readonly Uint8Array[]): Promise<Uint8Array[]>;
  lock(slots: readonly number[], promises: readonly Uint8Array[], attempt?: number): Promise<Uint8Array[]>;
  locksOf(locks: readonly Uint8Array[], attempt?: number): Uint8Array;
  yield(slots: readonly number[], locks: Uint8Array): Promise<Uint8Array[]>;
  votes(
    said: Record<'promises' | 'locks' | 'yields', readonly Uint8Array[]>,
    attempt?: number,
  ): { readonly promises: Uint8Array; readonly yields: Uint8Array };
  end(
    at: BareCaller,
    votes: { readonly promises: Uint8Array; readonly yields: Uint8Array },
  ): Promise<boolean>;
  /** All of it by these members: from the order to the votes. */
  settle(
    slots: readonly number[],
    more?: readonly Joined[],
  ): Promise<{ readonly promises: Uint8Array; readonly yields: Uint8Array }>;
}

/** A server of the epoch that is to count which is none of the members. */
interface Joined {
  readonly slot: number;
  readonly at: BareCaller;
}

interface Acknowledged {
  readonly slot: number;
  readonly signature: Uint8Array;
}

export async function carrySettling({
  members,
  keyId,
  certificates: shown,
}: SettleOptions): Promise<CarriedSettling> {
  const certificates = [...shown];
  const [counts] = certificates.map(parseChangeCertificate);
  const epoch = counts!.change.next.epoch - 1;
  const chain = (await fetchChain(members[0]!, keyId)).slice(0, epoch + 1);
  const [first, ...changes] = chain;
  const before = verifyChain(parseCertificate(first!), changes.map(parseChangeCertificate), judgeVotes).at(
    -1,
  )!;
  const { transcriptHash: next, params } = verifyChange(before, counts!, judgeVotes);
  const [counting] = certificates;
  const those = (slots: readonly number[]) => slots.map((slot) => members[slot - 1]!);
  const asked = { keyId, epoch };

  const settling: CarriedSettling = {
    epoch,
    next,
    propose: (at, acknowledgements = []) =>
      at.call('fork.settle', { ...asked, certificates, acknowledgements: [...acknowledgements] }),
    async promise(slots, attempt = 1, heard = []) {
      const { orderHash } = await settling.propose(members[slots[0]! - 1]!);
      const said = { ...asked, orderHash, attempt, shown: [...heard], recall: null, locked: [] };
      return all(those(slots), async (one) => (await one.call('change.promise', said)).statement);
    },
    lock: (slots, promises, attempt = 1) =>
      all(
        those(slots),
        async (one) =>
          (
            await one.call('change.lock', {
              ...asked,
              attempt,
              signed: counting!,
              promises: [...promises],
              locked: [],
            })
          ).statement,
      ),
    locksOf: (locks, attempt = 1) =>
      encodeLockCertificate({ attempt, next, locks: statementsOf(locks, 'lock') }),
    yield: (slots, locks) =>
      all(
        those(slots),
        async (one) => (await one.call('change.yield', { ...asked, locks, signed: counting! })).statement,
      ),
    votes: ({ promises, locks, yields }, attempt = 1) =>
      encodeVotes({
        attempt,
        next,
        promises: statementsOf(promises, 'promise'),
        locks: statementsOf(locks, 'lock'),
        yields: statementsOf(yields, 'yield'),
      }),
    end: async (at, votes) => (await at.call('fork.end', { ...asked, certificates, ...votes })).goesOver,
    async settle(slots, more = []) {
      const acknowledgements: Acknowledged[] = [];
      for (const one of [...members, ...more.map(({ at }) => at)]) {
        const said = await settling.propose(one);
        const place = more.find(({ at }) => at === one)?.slot;
        const old = before.params.roster[members.indexOf(one)];
        const slot = place ?? params.roster.find((entry) => isSame(entry, old!))?.slot;
        if (slot !== undefined && said.acknowledgement !== null)
          acknowledgements.push({ slot, signature: said.acknowledgement });
      }
      for (const one of those(slots)) await settling.propose(one, acknowledgements);
      const promises = await settling.promise(slots);
      const locks = await settling.lock(slots, promises);
      const yields = await settling.yield(slots, settling.locksOf(locks));
      return settling.votes({ promises, locks, yields });
    },
  };
  return settling;
}

function isSame(one: RosterEntry, other: RosterEntry): boolean {
  return equalBytes(one.serverId, other.serverId);
}

function statementsOf<K extends Statement['kind']>(
  bytes: readonly Uint8Array[],
  kind: K,
): Extract<Signed<Statement>, { kind: K }>[] {
  return bytes
    .map(parseStatement)
    .filter((one): one is Extract<Signed<Statement>, { kind: K }> => one.kind === kind);
}

async function all<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await ask(item));
  return results;
}
