import { CkmError, equalBytes } from '@ckm/foundation';
import { type CertifiedEpoch, orderOf, parseChangeCertificate } from '@ckm/threshold';
import { saveEvidence } from '../../evidence/evidence.js';
import { isSilence } from '../../servers/ask-all.js';
import { listServerRecords } from '../../servers/servers.js';
import {
  type ChangeRecord,
  type ChangeServer,
  changePath,
  parseChangeRecord,
  saveChange,
} from '../chain/change-record.js';
import { changesOf } from '../chain/key-chain.js';
import { loadKeyRecord } from '../keys.js';
import { unrecordedMember } from '../roster.js';
import {
  type ChangeMember,
  type ChangeRun,
  createChangeRun,
  isOfMember,
  saveChangeRun,
} from './change-run.js';
import { epochOf } from './settle.js';

/** A certificate of the next epoch that holds, and who shows it; null: nobody, it is known here. */
interface Standing {
  readonly certificate: Uint8Array;
  readonly epoch: CertifiedEpoch;
  readonly member: ChangeMember | null;
}

/**
 * The certificate of the next epoch that stands already, whichever client of the owner made it: on record here, or shown by one of these
 * members. Two that hold are kept as evidence. null: none is known of.
 */
export async function findDecided(
  run: ChangeRun,
  members: readonly ChangeMember[],
): Promise<Uint8Array | null> {
  const own = await decidedOnRecord(run);
  const shown = await Promise.all(
    members.map(async (member) => ({ member, certificate: await nextAt(run, member) })),
  );
  const standing = [{ member: null, certificate: own }, ...shown].flatMap(({ member, certificate }) => {
    // A certificate that does not hold proves nothing against anybody: it is passed over.
    const epoch = certificate === null ? null : provedBy(run, certificate);
    return epoch === null ? [] : [{ member, certificate: certificate!, epoch }];
  });
  const [first, ...others] = standing;
  if (first === undefined) return null;
  for (const other of others) await keepFork(run, first, other);
  return first.certificate;
}

/** The same, as far as this client has learned it already. */
export async function decidedOnRecord(run: ChangeRun): Promise<Uint8Array | null> {
  const { order, keyName } = run.record;
  const certificate = changesOf(await loadKeyRecord(run.context.store, keyName))[order.epoch];
  return certificate !== undefined && provedBy(run, certificate) !== null ? certificate : null;
}

/** What a server shows behind the epoch that decides; null: nothing, or it does not answer. */
async function nextAt(run: ChangeRun, member: ChangeMember): Promise<Uint8Array | null> {
  const { keyId, epoch } = run.record.order;
  try {
    const { certificates } = await run.links.get(member)!.call('key.chain', { keyId, after: epoch });
    return certificates[0] ?? null;
  } catch (error) {
    if (isSilence(error) || isOfMember(error, member)) return null;
    throw error;
  }
}

function provedBy(run: ChangeRun, certificate: Uint8Array): CertifiedEpoch | null {
  try {
    return epochOf(run, certificate);
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}

/** Keeps a certificate as evidence where another one of the same epoch is on record already. */
export async function compareWithRecord(run: ChangeRun, certificate: Uint8Array): Promise<void> {
  const known = await decidedOnRecord(run);
  if (known === null) return;
  const standing = (bytes: Uint8Array) => ({ certificate: bytes, epoch: epochOf(run, bytes), member: null });
  await keepFork(run, standing(known), standing(certificate));
}

/** Two certificates of one epoch show that a server signed twice; which one, whoever has both can tell. */
async function keepFork(run: ChangeRun, one: Standing, other: Standing): Promise<void> {
  const { context, orderHash, before } = run;
  if (equalBytes(one.epoch.transcriptHash, other.epoch.transcriptHash)) return;
  await saveEvidence(context.store, {
    code: 'KEY_FORKED',
    sessionId: orderHash,
    serverId: (other.member ?? run.members[0]!).server.xid,
    at: context.clock(),
    convinces: 'anybody',
    exhibits: {
      keyId: before.params.keyId,
      epoch: other.epoch.params.epoch,
      certificates: [one.certificate, other.certificate],
    },
  });
}

/**
 * The change that a certificate carries out, put on record with it: this one, or the one that was decided in its place, which this one
 * ends with.
 */
export async function adoptDecided(run: ChangeRun, certificate: Uint8Array): Promise<ChangeRun> {
  const { change } = parseChangeCertificate(certificate);
  if (equalBytes(change.order, run.orderHash)) {
    await saveChangeRun(run, { certificate });
    return run;
  }
  const { store } = run.context;
  const core = orderOf(run.before, change);
  const order = { ...core, quorum: { ...core.quorum }, roster: [...core.roster] };
  const stored = await store.get(changePath(order));
  const known = stored === null ? null : parseChangeRecord(changePath(order), stored);
  const record: ChangeRecord = {
    ...(known ?? { ...run.record, ...NOT_BEGUN, order, servers: await serversOf(run, certificate) }),
    state: known?.state === 'finished' ? 'finished' : 'open',
    certificate,
  };
  await saveChange(store, record);
  await saveChangeRun(run, { state: 'failed', reason: 'another change of the key was decided' });
  return createChangeRun(run.context, record, run.on);
}

const NOT_BEGUN = {
  byWords: false,
  attempt: 0,
  sessionId: null,
  signed: null,
  acknowledgements: [],
  heard: [],
  entered: [],
  poorDealers: [],
};

/** Those of the next epoch in order of slots, then those that leave, as their owner calls them. */
async function serversOf({ context, before }: ChangeRun, certificate: Uint8Array): Promise<ChangeServer[]> {
  const next = parseChangeCertificate(certificate).change.next.roster;
  const leaving = before.params.roster.filter(
    ({ serverId }) => !next.some((one) => equalBytes(one.serverId, serverId)),
  );
  const recorded = await listServerRecords(context.store);
  return [...next, ...leaving].map((entry) => {
    const known = recorded.find(({ xid }) => equalBytes(xid, entry.serverId));
    const { name, xid } = known ?? unrecordedMember(entry);
    return { name, xid };
  });
}
