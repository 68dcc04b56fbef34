import type { BoundChange, ChangeOrder } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import {
  judgeVotes,
  type KeyParams,
  membersOf,
  parseChangeCertificate,
  parseLockCertificate,
  verifyChange,
  verifyLockCertificate,
  verifySignedChange,
} from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { ServerRecord } from '../../servers/server-record.js';
import { listServerRecords } from '../../servers/servers.js';
import { listChangesOf } from '../chain/change-record.js';
import type { CertifiedKey } from '../key-record.js';
import { unrecordedMember } from '../roster.js';

/** What one server, or this client's own record, says of who may hold a key next. */
export interface Follows {
  readonly order?: ChangeOrder | undefined;
  readonly bound?: BoundChange | undefined;
}

/** A server that a change would let in. */
export interface JoiningServer {
  /** Of the next epoch. */
  readonly slot: number;
  readonly serverId: Uint8Array;
  /** Null: it is not on record here, and nothing proves how it is reached. */
  readonly server: ServerRecord | null;
}

export interface NextHolders {
  /** Next epochs that old members have bound themselves to: no freeze of theirs stops those any more. */
  readonly bound: readonly KeyParams[];
  /** Servers of these, and of orders that wait, which have no share now. */
  readonly joining: readonly JoiningServer[];
}

/** Who may hold a key next, as far as servers prove it or this client has it on record. Nobody's word alone counts. */
export async function nextHolders(
  { store }: ClientContext,
  key: CertifiedKey,
  said: readonly Follows[],
): Promise<NextHolders> {
  const { epoch, roster } = key.newest.params;
  const own = (await listChangesOf(store, key.keyId)).filter(({ order }) => order.epoch === epoch);
  const all: readonly Follows[] = [
    ...said,
    ...own.map(({ order, state, certificate }) => ({
      ...(state === 'open' ? { order } : {}),
      ...(certificate === null ? {} : { bound: { locks: null, signed: certificate } }),
    })),
  ];
  const bound = distinct(
    all.flatMap((one) => (one.bound === undefined ? [] : boundEpoch(key, one.bound))),
    // The same servers may be bound to several quorums.
    ({ quorum, roster: next }) => [quorum.needed, ...next.map(({ serverId }) => encodeHex(serverId))].join(),
  );
  const recorded = await listServerRecords(store);
  const find = (entry: ChangeOrder['roster'][number]) => recordedServer(recorded, entry);
  const ordered = all.flatMap(({ order }) => (order?.epoch === epoch ? [order] : []));
  const named = [
    ...bound.flatMap((params) =>
      params.roster.map((entry) => ({ ...entry, server: find(entry) ?? unrecordedMember(entry) })),
    ),
    ...ordered.flatMap((order) =>
      order.roster.map((entry, i) => ({ ...entry, slot: i + 1, server: find(entry) })),
    ),
  ];
  const isMember = (serverId: Uint8Array) => roster.some((one) => equalBytes(one.serverId, serverId));
  const joining = distinct(
    named.filter(({ serverId }) => !isMember(serverId)),
    ({ serverId }) => encodeHex(serverId),
  );
  return { bound, joining: joining.map(({ slot, serverId, server }) => ({ slot, serverId, server })) };
}

/** The record of a server with the identity that a roster names; null: there is none. */
export function recordedServer(
  recorded: readonly ServerRecord[],
  { serverId, identityKey }: Pick<ChangeOrder['roster'][number], 'serverId' | 'identityKey'>,
): ServerRecord | null {
  const isIt = ({ xid, publicKeys }: ServerRecord) =>
    equalBytes(xid, serverId) && equalBytes(publicKeys.signing.bytes, identityKey);
  return recorded.find(isIt) ?? null;
}

function distinct<T>(all: readonly T[], nameOf: (one: T) => string): readonly T[] {
  const byName = new Map<string, T>();
  for (const one of all) if (!byName.has(nameOf(one))) byName.set(nameOf(one), one);
  return [...byName.values()];
}

/** The epoch that old members are bound to by what is shown; none where it does not hold. */
function boundEpoch({ newest }: CertifiedKey, { locks, signed }: BoundChange): readonly KeyParams[] {
  try {
    const change = parseChangeCertificate(signed);
    if (locks === null) return [verifyChange(newest, change, judgeVotes).params];
    const { transcriptHash, params } = verifySignedChange(newest, change);
    const certificate = parseLockCertificate(locks);
    const deciders = membersOf(newest.params, newest.transcriptHash);
    const isIt = equalBytes(certificate.next, transcriptHash) && verifyLockCertificate(deciders, certificate);
    return isIt ? [params] : [];
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
    throw error;
  }
}
