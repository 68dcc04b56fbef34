import type { SettledProof } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { orNothing } from '../chain/learn-chain.js';
import { provedBy } from './read-fork.js';
import type { SettlementRecord } from './settlement-record.js';
import { isSettledBy } from './settle-votes.js';

/** What a server shows of what the members of an epoch settled. */
export interface ShownSettlement {
  readonly server: ServerRecord;
  readonly proof: SettledProof;
}

/** What these servers show of what the members of an epoch settled, as far as its votes hold. Whoever is silent or refuses shows nothing. */
export async function shownSettlements(
  context: ClientContext,
  servers: readonly ServerRecord[],
  before: CertifiedEpoch,
): Promise<readonly ShownSettlement[]> {
  const shown = await askedFor(context, servers, before);
  return shown.filter(({ proof }) => holds(before, proof));
}

async function askedFor(
  context: ClientContext,
  servers: readonly ServerRecord[],
  { params: { keyId, epoch } }: CertifiedEpoch,
): Promise<readonly ShownSettlement[]> {
  const shown = await Promise.all(
    servers.map(async (server): Promise<readonly ShownSettlement[]> => {
      const answer = await orNothing(async () =>
        (await context.linkTo(server)).call('fork.show', { keyId, epoch }),
      );
      return answer?.settled === undefined ? [] : [{ server, proof: answer.settled }];
    }),
  );
  return shown.flat();
}

function holds(before: CertifiedEpoch, { certificates, ...votes }: SettledProof): boolean {
  return isSettledBy({ before }, certificates, votes);
}

/** What the certificate that counts is called, in hex; null: it does not hold. @param certificates the one that counts first */
export function outcomeOf(before: CertifiedEpoch, certificates: readonly Uint8Array[]): string | null {
  const [counted] = provedBy(before, certificates[0]!);
  return counted === undefined ? null : encodeHex(counted.name);
}

type Kept = Pick<SettlementRecord, 'votes' | 'certificates' | 'insists'>;

/**
 * Whether votes that hold settle an epoch in several ways, on record here or shown by any of these servers: then so many who settled lie that none of
 * it is to be believed unasked.
 * @param kept what is on record here; null: nothing
 */
export async function isContested(
  context: ClientContext,
  servers: readonly ServerRecord[],
  before: CertifiedEpoch,
  kept: Kept | null,
): Promise<boolean> {
  const own = kept === null || kept.votes === null ? null : kept.certificates;
  const names = new Set<string | null>(own === null ? [] : [outcomeOf(before, own)]);
  for (const { proof } of await askedFor(context, servers, before)) {
    // What is on record was checked then, and most show the same.
    if (own !== null && equalBytes(proof.certificates[0]!, own[0]!)) continue;
    if (holds(before, proof)) names.add(outcomeOf(before, proof.certificates));
  }
  names.delete(null);
  return names.size > 1;
}

/** Whether what is on record here is not to be taken as settled: it is contested, and the owner has not said that it counts all the same. */
export async function isDoubted(
  context: ClientContext,
  servers: readonly ServerRecord[],
  before: CertifiedEpoch,
  kept: Kept,
): Promise<boolean> {
  return !kept.insists && (await isContested(context, servers, before, kept));
}
