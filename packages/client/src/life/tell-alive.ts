import { signAlive, type SilenceRule } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, StateError } from '@ckm/foundation';
import { wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import { certifyRecord, type CertifiedKey } from '../keys/key-record.js';
import { listKeyRecords, type ReadKey } from '../keys/keys.js';
import { rosterOf } from '../keys/roster.js';
import type { ServerRecord } from '../servers/server-record.js';
import { type AliveRecord, readAliveRecord, saveAliveRecord } from './alive-record.js';
import { speakerFor } from './key-lists.js';

/** How one server of a key stands to the life of its owner. */
export interface HeardAt {
  readonly server: string;
  /** Whether it has taken a sign of life just now. */
  readonly isHeard: boolean;
  /** When it last did; null: it never has, as far as this machine knows. UnixSeconds. */
  readonly at: number | null;
  /** One line for a person. */
  readonly text: string;
  readonly code: string | null;
}

/** What came of a sign of life for one key. */
export interface ToldAlive {
  readonly key: string;
  /** After so many seconds without one, heirs may open a case. */
  readonly afterSeconds: number;
  /** `unlisted`: this device is not on the list of the key, and nothing was sent. */
  readonly outcome: 'told' | 'unlisted';
  readonly servers: readonly HeardAt[];
}

/** Nobody is told more often by a command that does something else. */
const OFTEN_ENOUGH_SECONDS = 86_400;

/** Keys whose terms let heirs do something after a silence. */
export async function keysWithSilence({
  store,
}: Pick<ClientContext, 'store'>): Promise<readonly CertifiedKey[]> {
  const records = await listKeyRecords(store);
  return records.filter(({ policy }) => policy.silence !== undefined).map(certifyRecord);
}

/**
 * Gives all servers of a key a sign of life, or of every key that has heirs.
 * @throws UsageError `KEY_UNKNOWN`; StateError `KEY_WITHOUT_HEIRS`
 */
export async function giveAlive(
  context: ClientContext,
  readKey: ReadKey,
  name: string | undefined,
): Promise<readonly ToldAlive[]> {
  const keys = name === undefined ? await keysWithSilence(context) : [await keyWithHeirs(readKey, name)];
  return Promise.all(keys.map((key) => tellAlive(context, key)));
}

async function keyWithHeirs(readKey: ReadKey, name: string): Promise<CertifiedKey> {
  const key = await readKey(name);
  if (key.record.policy.silence !== undefined) return key;
  throw new StateError(`${name} has no heirs: nobody waits for a sign of life`, {
    code: 'KEY_WITHOUT_HEIRS',
    hint: 'name heirs in its terms, if anybody shall have it after you',
    retryable: false,
    facts: { key: name },
  });
}

async function tellAlive(context: ClientContext, key: CertifiedKey): Promise<ToldAlive> {
  return tell(
    context,
    key,
    (await rosterOf(context, key)).map(({ server }) => server),
  );
}

/**
 * Gives a sign of life to each server that has just answered and has not had one for a while: each command is one. What was away hears it from the first
 * command that it answers. What becomes of it is seen by whoever looks.
 */
export async function tellDue(context: ClientContext): Promise<void> {
  for (const key of await keysWithSilence(context)) {
    const { heard } = await readAliveRecord(context.store, key.keyId);
    const late = context.clock() - dueAfter(key.record.policy.silence!);
    const due = (await rosterOf(context, key))
      .map(({ server }) => server)
      .filter(({ xid }) => context.answered.has(encodeHex(xid)))
      .filter(({ xid }) => (heard.find((one) => equalBytes(one.server, xid))?.at ?? 0) <= late);
    if (due.length > 0) await tell(context, key, due);
  }
}

/** L3: at least ten times within the time that the terms name. */
function dueAfter({ afterSeconds }: SilenceRule): number {
  return Math.min(OFTEN_ENOUGH_SECONDS, Math.floor(afterSeconds / 10));
}

async function tell(
  context: ClientContext,
  key: CertifiedKey,
  servers: readonly ServerRecord[],
): Promise<ToldAlive> {
  const { name, policy } = key.record;
  const { afterSeconds } = policy.silence!;
  const signer = await speakerFor(context, key);
  if (signer === null) return { key: name, afterSeconds, outcome: 'unlisted', servers: [] };
  const record = await nextNumber(context, key);
  const alive = signAlive(signer, { keyId: key.keyId, number: record.number });
  wipeIdentity(signer);
  const told = await Promise.all(
    servers.map(async (server): Promise<HeardAt> => {
      const at = record.heard.find((one) => equalBytes(one.server, server.xid))?.at ?? null;
      try {
        await (await context.linkTo(server)).call('alive.carry', { alive });
        return { server: server.name, isHeard: true, at: context.clock(), text: 'has heard it', code: null };
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        return { server: server.name, isHeard: false, at, text: error.message, code: error.code };
      }
    }),
  );
  await noteHeard(context, key, servers, told);
  return { key: name, afterSeconds, outcome: 'told', servers: told };
}

/** On record before anybody hears of it, so that no number is signed for twice. */
function nextNumber({ store, clock }: ClientContext, { keyId }: CertifiedKey): Promise<AliveRecord> {
  return store.exclusive('alive', async () => {
    const before = await readAliveRecord(store, keyId);
    // By the clock, so that a machine whose records are older goes on above them.
    const next = { ...before, number: Math.max(clock(), before.number + 1) };
    await saveAliveRecord(store, next);
    return next;
  });
}

async function noteHeard(
  { store }: ClientContext,
  { keyId }: CertifiedKey,
  servers: readonly ServerRecord[],
  told: readonly HeardAt[],
): Promise<void> {
  await store.exclusive('alive', async () => {
    const before = await readAliveRecord(store, keyId);
    const fresh = servers.flatMap(({ xid }, at) =>
      told[at]!.isHeard ? [{ server: new Uint8Array(xid), at: told[at]!.at! }] : [],
    );
    const kept = before.heard.filter((one) => !fresh.some(({ server }) => equalBytes(server, one.server)));
    await saveAliveRecord(store, { ...before, heard: [...kept, ...fresh] });
  });
}
