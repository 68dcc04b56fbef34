import { type Ballot, policyHash, type Polling, votersOf } from '@ckm/api';
import type { MatterOfPeople, ServerContext } from '../context.js';
import type { MatterName, MatterPayloadRow, MatterRow, Reader } from '../storage/storage.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';

/** What this room works with. */
export type VotesContext = Pick<
  ServerContext,
  'accounts' | 'audit' | 'clock' | 'config' | 'identity' | 'storage' | 'vault'
>;

/** What a server keeps of a matter while people are asked about it, and until its time is over. */
export interface MatterRecord extends Pick<Ballot, 'kind' | 'payloadHash' | 'tasksHash' | 'requester'> {
  /** What is asked for, where it was stored before it had a row of its own; null: nobody is asked any more. Absent: it has one. */
  readonly payload?: Uint8Array | null;
  /** XIDs that have no say in it, besides who asks. */
  readonly without: readonly Uint8Array[];
  /** As this server words it. */
  readonly sentence: string;
  /** Something was done by what people said, which is final: it rests for that, and not because its ceremony ended; absent: nothing was. */
  readonly isReleased?: boolean;
  /** `encodeTerms` of those by whose rule people are asked, where they are not those in force here; absent: they are. */
  readonly under?: Uint8Array;
}

export interface StoredMatter {
  readonly row: Omit<MatterRow, 'sealed'>;
  readonly record: MatterRecord;
}

export function openMatter({ vault }: Pick<VotesContext, 'vault'>, row: MatterRow): StoredMatter {
  return { row, record: openRecord<MatterRecord>(vault, 'matters', row) };
}

export function sealMatter({ vault }: Pick<VotesContext, 'vault'>, { row, record }: StoredMatter): MatterRow {
  const { owner, matter, matterId, keyId, waiting, version, createdAt, expiresAt } = row;
  const columns = { owner, matter, matterId, keyId, waiting, version, createdAt, expiresAt };
  return sealRecord(vault, 'matters', columns, { ...record });
}

/** What is asked for, byte for byte: long, and opened for whoever looks at that very matter. Null: nobody is asked any more. */
export async function payloadOf(
  { vault }: Pick<VotesContext, 'vault'>,
  reader: Reader,
  { row: name, record }: StoredMatter,
): Promise<Uint8Array | null> {
  if (record.payload !== undefined) return record.payload;
  const row = await reader.matterPayloads.find(name);
  return row === null ? null : openRecord<MatterPayload>(vault, 'matter_payloads', row).payload;
}

interface MatterPayload {
  readonly payload: Uint8Array;
}

export function sealPayload(
  { vault }: Pick<VotesContext, 'vault'>,
  { owner, matter, matterId }: MatterName,
  payload: Uint8Array,
): MatterPayloadRow {
  const record: MatterPayload = { payload };
  return sealRecord(vault, 'matter_payloads', { owner, matter, matterId }, { ...record });
}

/** What names the row of a matter. */
export function nameOf({
  owner,
  ballot: { matter, matterId },
}: Pick<MatterOfPeople, 'owner' | 'ballot'>): MatterName {
  return { owner, matter, matterId };
}

/** A matter as it stands here under the terms that are in force now. */
export function matterUnder({ row, record }: StoredMatter, terms: MatterOfPeople['terms']): MatterOfPeople {
  const { owner, matterId, keyId, expiresAt } = row;
  const { kind, payloadHash, tasksHash, requester, without } = record;
  const matter = row.matter as Ballot['matter'];
  const termsHash = policyHash(terms);
  const ballot = { matter, matterId, keyId, termsHash, requester, kind, payloadHash, tasksHash, expiresAt };
  return { owner, terms, ballot, without };
}

/** By what votes in a matter are judged and counted at this server, now. */
export function pollingOf(
  { identity, clock, config }: Pick<VotesContext, 'identity' | 'clock' | 'config'>,
  { terms, ballot, without = [] }: MatterOfPeople,
): Polling {
  return {
    ballot: { ...ballot, serverId: identity.xid },
    approvers: votersOf(terms),
    without,
    moment: { now: clock(), maxSkewSeconds: config.limits.clockSkewSeconds },
  };
}
