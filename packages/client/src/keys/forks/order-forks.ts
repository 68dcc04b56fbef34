import { equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { listServerRecords } from '../../servers/servers.js';
import { certificatesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { epochAt, type Fork, type ForkChoice, provedBy, readForks } from './read-fork.js';
import { listSettlements, type SettlementRecord } from './settlement-record.js';
import { isContested } from './shown-votes.js';

/** A fork, with what is on record here of settling it. */
export interface RecordedFork {
  readonly fork: Fork;
  /** Null: nothing that goes on, and nothing that was settled. */
  readonly record: SettlementRecord | null;
  /** Whether its votes are on record, the key goes on here by what they settled on, and nothing that its owner has not seen stands against that. */
  readonly isSettled: boolean;
  /** Whether votes that hold settle it in several ways, on record here or shown by servers. */
  readonly isContested: boolean;
}

/**
 * The forks of a key in the order in which they are to be settled. One that is settled here comes last: whoever shows its dead certificate
 * again has not heard, or lies. Before it come those that are over, since behind a later epoch they stop no server of that; and first of all those
 * that stop the newest epochs. So a dead certificate keeps no later fork from being settled.
 */
export async function readOrderedForks(
  context: ClientContext,
  key: CertifiedKey,
): Promise<readonly RecordedFork[]> {
  const chain = certificatesOf(key.record);
  const servers = await listServerRecords(context.store);
  const records = await Promise.all(
    (await standingRecords(context, key)).map(async (record) => {
      const before = epochAt(chain, record.epoch);
      const isKept = record.votes !== null;
      return { record, isContested: isKept && (await isContested(context, servers, before, record)) };
    }),
  );
  const known = records.flatMap(({ record: { state, certificates }, isContested: isAgainst }) =>
    state === 'open' || isAgainst ? certificates : [],
  );
  const forks = await Promise.all(
    (await readForks(context, key, known)).map(async (fork): Promise<RecordedFork> => {
      const kept = records.find(({ record }) => record.epoch === fork.epoch);
      if (kept === undefined || kept.record.votes === null) {
        const isAgainst = await isContested(context, servers, fork.before, null);
        return { fork, record: kept?.record ?? null, isSettled: false, isContested: isAgainst };
      }
      const isSaid = kept.record.insists || !kept.isContested;
      return { fork, ...kept, isSettled: isSaid && isSettledHere(chain, kept.record) };
    }),
  );
  const rank = ({ fork, isSettled }: RecordedFork) => (isSettled ? 2 : fork.epoch + 2 < chain.length ? 1 : 0);
  return forks.toSorted((a, b) => rank(a) - rank(b));
}

/** Those that go on or are settled, and hold behind the chain on record: what was settled in a branch that died is nothing any more. */
export async function standingRecords(
  { store }: ClientContext,
  { keyId, record }: CertifiedKey,
): Promise<readonly SettlementRecord[]> {
  const chain = certificatesOf(record);
  return (await listSettlements(store, keyId)).filter(({ state, epoch, votes, certificates }) => {
    if (epoch >= chain.length || (state !== 'open' && votes === null)) return false;
    const before = epochAt(chain, epoch);
    return certificates.every((bytes) => provedBy(before, bytes).length > 0);
  });
}

/** Whether its votes are on record, and the key goes on here by what they settled on. */
export function isSettledHere(
  chain: readonly Uint8Array[],
  { epoch, votes, certificates }: SettlementRecord,
): boolean {
  const own = chain[epoch + 1];
  if (votes === null || own === undefined) return false;
  const before = epochAt(chain, epoch);
  const [mine, counted] = [own, certificates[0]!].map((bytes) => provedBy(before, bytes)[0]);
  return mine !== undefined && counted !== undefined && equalBytes(mine.name, counted.name);
}

/** Signatures can be made again: one epoch has many certificates. */
export function isMadeBy({ before }: Fork, { transcriptHash }: ForkChoice, certificate: Uint8Array): boolean {
  return provedBy(before, certificate).some(({ name }) => equalBytes(name, transcriptHash));
}
