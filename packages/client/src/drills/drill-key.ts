import { drillKeyId, DRILL_KEY_FRESH_BYTES, type DkgProposal } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import { DRILL } from '@ckm/requests';
import type { ClientContext } from '../context/context.js';
import { GENERATION } from '../keys/free-name.js';
import { keyGeneration } from '../keys/generation/key-generation.js';
import { type CertifiedKey, KEY_FOLDER, keyPath } from '../keys/key-record.js';
import { createKeyReader } from '../keys/keys.js';
import { shareRepair } from '../keys/repair/share-repair.js';
import type { OnProgress } from '../progress/progress.js';
import { REQUEST_FOLDER } from '../requests/request-record.js';
import { listRequests } from '../requests/requests.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import type { Ceremony } from '../sessions/ceremony.js';
import { abandonSession, ceremonyOf, newSession, runSession } from '../sessions/run-session.js';
import { sessionPath, type SessionRecord } from '../sessions/session-record.js';
import { listSessions, saveSession } from '../sessions/sessions.js';

const LIFETIME_SECONDS = 86_400;
/** A server that hangs is not waited for to be told that it may forget something. */
const FORGET_MS = 5_000;

const NAME_BYTES = 4;
const CEREMONIES: readonly Ceremony[] = [keyGeneration, shareRepair];

export function freshDrillName({ random }: Pick<ClientContext, 'random'>): string {
  return `drill-${encodeHex(random(NAME_BYTES))}`;
}

/**
 * Makes the key of a drill, like another in suite, quorum and servers, or goes on with that.
 * @param context of the drill: see `besideKeys`
 * @param name of the key of the drill
 * @throws as `runSession`
 */
export async function makeDrillKey(
  context: ClientContext,
  name: string,
  { key, roster }: { readonly key: CertifiedKey; readonly roster: readonly Participant[] },
  on: OnProgress,
): Promise<CertifiedKey> {
  const readKey = createKeyReader(context.store);
  const open = (await sessionsOf(context, name)).find(
    ({ state, proposal }) => state === 'open' && proposal.kind === GENERATION,
  );
  if (open === undefined && (await context.store.get(keyPath(name))) !== null) return readKey(name);
  const session = open ?? newSession(context, sessionFor(context, name, key, roster));
  if (open === undefined) await saveSession(context.store, session);
  await runSession(context, keyGeneration, session, on);
  return readKey(name);
}

function sessionFor(
  { random }: ClientContext,
  keyName: string,
  { public: { suite, quorum } }: CertifiedKey,
  roster: readonly Participant[],
) {
  const proposal: DkgProposal = {
    kind: GENERATION,
    keyId: drillKeyId(random(DRILL_KEY_FRESH_BYTES)),
    suite,
    purpose: DRILL,
    quorum,
    policy: { kinds: [DRILL], rateLimit: null, expiresAt: null, blindAllowed: false, approval: 'automatic' },
  };
  const servers = roster.map(({ server }) => server);
  return { proposal, servers, keyName, notes: { network: null }, lifetimeSeconds: LIFETIME_SECONDS };
}

async function sessionsOf({ store }: ClientContext, name: string): Promise<readonly SessionRecord[]> {
  return (await listSessions(store)).filter(({ keyName }) => keyName === name);
}

/** Has one server forget it. One that has forgotten it already is right too. @throws whatever the server refuses with */
export async function forgetAt(
  context: ClientContext,
  { server }: Participant,
  keyId: Uint8Array,
): Promise<void> {
  const link = await context.linkTo(server);
  try {
    await link.call('drill.forget', { keyId }, { timeoutMs: Math.min(FORGET_MS, context.timeoutMs) });
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'KEY_UNKNOWN') throw error;
  }
}

/**
 * Takes everything of a drill off the records here, and has its key forgotten everywhere, as far as servers answer.
 * @param context of the drill
 * @returns names of servers that were not told: they forget it after a week
 */
export async function clearAway(
  context: ClientContext,
  name: string,
  roster: readonly Participant[],
): Promise<readonly string[]> {
  const { store } = context;
  const sessions = await sessionsOf(context, name);
  for (const session of sessions.filter(({ state }) => state === 'open')) {
    const ceremony = ceremonyOf(CEREMONIES, session);
    const how = { reason: 'the drill is given up', named: name };
    await abandonSession(context, ceremony, session, how).catch(() => undefined);
  }
  const ids = new Map(sessions.map(({ proposal: { keyId } }) => [encodeHex(keyId), keyId]));
  const left = new Set<Participant>();
  for (const keyId of ids.values()) {
    await Promise.all(roster.map((one) => forgetAt(context, one, keyId).catch(() => void left.add(one))));
  }
  for (const { sessionId } of sessions) await store.delete(sessionPath(sessionId));
  for (const one of await listRequests(store))
    if (one.keyName === name) await store.delete(`${REQUEST_FOLDER}/${encodeHex(one.requestId)}`);
  await store.delete(`${KEY_FOLDER}/${name}`);
  return namesOf(left);
}
