import { CkmError, equalBytes, StateError, UsageError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import { listed } from '../../servers/faults.js';
import type { ServerRecord } from '../../servers/server-record.js';
import type { Ending } from '../../sessions/ceremony.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import type { ClientStore } from '../../store/client-store.js';
import { shortId } from '../../store/track.js';
import { notedChain } from '../chain/key-chain.js';
import { isComplete, keyPath, type KeyRecord, parseKeyRecord } from '../key-record.js';
import { saveKeyRecord } from '../keys.js';
import { type AssembledCertificate, assembleCertificate } from './certificate.js';
import { certify, type Promised } from './certify.js';
import { readGeneration } from './generation-record.js';

/** What a finished making of a key leaves. */
export interface GeneratedKey {
  readonly kind: 'dkg';
  readonly key: KeyRecord;
}

/**
 * Puts the certificate together, has every server store it, and puts the key on record. When it returns, every server has
 * promised that it stored the certificate.
 * @throws AvailabilityError `SERVERS_MISSING` when the key exists and somebody has not promised yet; StateError
 * `KEY_NOT_STORED` when somebody cannot store it; UsageError `KEY_EXISTS`; PeerFaultError
 */
export async function concludeGeneration(ending: Ending): Promise<GeneratedKey> {
  const { session, parameters, participants } = ending;
  const { proposal, network } = readGeneration(session);
  const certificate = assembleCertificate(parameters, (round) => ending.packets(round), participants);
  return { kind: 'dkg', key: await concludeKey(ending, certificate, { policy: proposal.policy, network }) };
}

/**
 * The same for every making of a key, once its certificate was put together.
 * @throws as {@link concludeGeneration}
 */
export async function concludeKey(
  ending: Ending,
  certificate: AssembledCertificate,
  { policy, network }: Pick<KeyRecord, 'policy' | 'network'>,
): Promise<KeyRecord> {
  const { context, session } = ending;
  const before = await acknowledgedBefore(context, session.keyName, certificate.encoded);
  const promised = await certify(ending, certificate, policy, before);
  const key: KeyRecord = {
    name: session.keyName,
    ...notedChain({ certificate: certificate.encoded }),
    policy,
    network,
    createdAt: session.createdAt,
    acknowledged: promised.acknowledged.map(({ slot }) => slot),
  };
  await keep(context, key);
  if (promised.refusals.size > 0) throw notStored(session, key, promised);
  if (promised.missing.length > 0) throw notPromised(session, promised.missing);
  return key;
}

/**
 * Forgets a key that is not complete: only when no server has promised that it stored the certificate, or when its owner
 * names it. Nothing of value can be lost by that: what is not complete was never handed out, and what its servers hold
 * `key fetch` finds again.
 * @param named the name of the key, said by its owner
 * @throws StateError `SESSION_OVER` when the key is complete, `KEY_HELD` when it has to be named
 */
export async function forgetKey(
  { store }: ClientContext,
  session: SessionRecord,
  participants: readonly Participant[],
  named: string | null,
): Promise<void> {
  const { keyName } = session;
  const record = await recordOf(store, keyName);
  if (record === null) return;
  if (isComplete(record, participants.length)) throw tooLate(session);
  const holders = participants.filter(({ slot }) => record.acknowledged.includes(slot));
  if (holders.length > 0 && named !== keyName) throw keyHeld(keyName, namesOf(holders));
  await store.delete(keyPath(keyName));
}

async function recordOf(store: ClientStore, name: string): Promise<KeyRecord | null> {
  const bytes = await store.get(keyPath(name));
  return bytes === null ? null : parseKeyRecord(keyPath(name), bytes);
}

/** Slots of servers that have promised this certificate already: they need not be asked again. */
async function acknowledgedBefore(
  { store }: ClientContext,
  name: string,
  certificate: Uint8Array,
): Promise<readonly number[]> {
  const before = await recordOf(store, name);
  return before !== null && equalBytes(before.certificate, certificate) ? before.acknowledged : [];
}

/** Never over another key of that name, however it came there. */
async function keep({ store }: ClientContext, record: KeyRecord): Promise<void> {
  const before = await recordOf(store, record.name);
  if (before !== null && !equalBytes(before.certificate, record.certificate)) {
    throw new UsageError(`there is another key ${record.name} now`, {
      code: 'KEY_EXISTS',
      hint: `rename that key, then go on`,
      remedy: { kind: 'renameKey', key: record.name },
    });
  }
  await saveKeyRecord(store, record);
}

function notPromised({ sessionId }: SessionRecord, missing: readonly Participant[]): CkmError {
  const names = missing.map(({ server }) => server.name);
  return new CkmError(
    'AvailabilityError',
    `the key exists, but ${listed(names)} has not promised to have stored it`,
    {
      code: 'SERVERS_MISSING',
      hint: 'send nothing to this key yet, and go on when they answer',
      remedy: { kind: 'resumeSession', id: shortId(sessionId) },
      facts: { servers: names },
    },
  );
}

/** The key exists, and at least one server will never have its part of it by itself. */
function notStored(
  { sessionId }: SessionRecord,
  { name, acknowledged }: KeyRecord,
  { refusals }: Promised,
): StateError {
  const [[refusing, why]] = [...refusals] as [[Participant, CkmError]];
  const servers = namesOf(refusals.keys());
  if (why.facts['forgotten'] !== undefined) return forgotten(name, refusing.server, acknowledged, why.code);
  return new StateError(`key ${name} exists, but ${refusing.server.name} cannot store it: ${why.message}`, {
    code: 'KEY_NOT_STORED',
    hint: `have ${listed(servers)} put back a newer backup and go on, or give the key up by its name`,
    remedy: { kind: 'cancelSession', id: shortId(sessionId) },
    facts: { servers, acknowledged: [...acknowledged], said: why.code },
  });
}

/** A server that came back from a backup older than our account there: it may get its part once it knows us again. */
function forgotten(
  key: string,
  { name, url }: ServerRecord,
  acknowledged: readonly number[],
  said: string,
): StateError {
  return new StateError(`key ${key} exists, but ${name} does not know you any more`, {
    code: 'KEY_NOT_STORED',
    hint: 'add that server again and go on, or give the key up by its name',
    remedy: { kind: 'addServer', name, url },
    facts: { servers: [name], acknowledged: [...acknowledged], said },
  });
}

function keyHeld(name: string, holders: readonly string[]): StateError {
  return new StateError(`${listed(holders)} hold${holders.length === 1 ? 's' : ''} key ${name} already`, {
    code: 'KEY_HELD',
    hint: 'go on with it, or say its name to forget it here; what its servers hold can be fetched again',
    facts: { servers: [...holders], key: name },
  });
}

function tooLate(session: SessionRecord): StateError {
  return new StateError(`session ${shortId(session.sessionId)} cannot be cancelled: its key is complete`, {
    code: 'SESSION_OVER',
    hint: 'finish it',
    remedy: { kind: 'resumeSession', id: shortId(session.sessionId) },
    retryable: false,
  });
}
