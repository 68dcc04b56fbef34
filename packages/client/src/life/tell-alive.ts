import { type KeyTerms, type Result, signAlive, type SilenceRule } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, StateError } from '@ckm/foundation';
import { type Identity, wipeIdentity } from '@ckm/gordian';
import type { ClientContext } from '../context/context.js';
import { certifyRecord, type CertifiedKey } from '../keys/key-record.js';
import { listKeyRecords, type ReadKey } from '../keys/keys.js';
import { rosterOf } from '../keys/roster.js';
import { learnTerms } from '../keys/terms/learn-terms.js';
import { termsKnown } from '../keys/terms/terms-known.js';
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
  /** After so many seconds without one, heirs may open a case; null: as far as it is known here nobody may. */
  readonly afterSeconds: number | null;
  /**
   * `unlisted`: this device is not on the list of the key, and nothing was sent. `unknown`: it has no heirs as far as is known here, and too few servers said which
   * terms are in force.
   */
  readonly outcome: 'told' | 'unlisted' | 'unknown';
  /** Whether n − t + 1 servers said which terms are in force: else it may have other heirs, whom another device has named. */
  readonly isCertain: boolean;
  readonly servers: readonly HeardAt[];
}

/** Nobody is told more often by a command that does something else. */
const OFTEN_ENOUGH_SECONDS = 86_400;

/** A key whose terms let heirs do something after a silence. */
export interface KeyWithHeirs {
  readonly key: CertifiedKey;
  readonly silence: SilenceRule;
  /** Terms that servers show, by which whoever speaks may be known before they are on record here; absent: none were asked. */
  readonly shown?: readonly KeyTerms[];
}

/** By the newest terms that this client has seen in force: servers count by those, before any certificate names them. */
export async function keysWithSilence(
  context: Pick<ClientContext, 'store'>,
): Promise<readonly KeyWithHeirs[]> {
  const keys = (await listKeyRecords(context.store)).map(certifyRecord);
  const known = await Promise.all(keys.map((key) => withHeirs(context, key)));
  return known.filter((one) => one !== null);
}

async function withHeirs(
  context: Pick<ClientContext, 'store'>,
  key: CertifiedKey,
): Promise<KeyWithHeirs | null> {
  const { silence } = await termsKnown(context, key);
  return silence === undefined ? null : { key, silence };
}

/** So many keys are asked about at a time. */
const KEYS_AT_ONCE = 8;

/**
 * Gives all servers of a key a sign of life, or of every key that has heirs. Servers are asked first which terms are in force: another device may have named heirs.
 * @throws UsageError `KEY_UNKNOWN`; StateError `KEY_WITHOUT_HEIRS`
 */
export async function giveAlive(
  context: ClientContext,
  readKey: ReadKey,
  name: string | undefined,
): Promise<readonly ToldAlive[]> {
  if (name !== undefined) {
    const told = await giveAliveOf(context, await readKey(name));
    if (told === null) throw withoutHeirs(name);
    return [told];
  }
  const keys = (await listKeyRecords(context.store)).map(certifyRecord);
  const told: (ToldAlive | null)[] = [];
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
    const some = keys.slice(from, from + KEYS_AT_ONCE);
    told.push(...(await Promise.all(some.map((key) => giveAliveOf(context, key)))));
  }
  return told.filter((one) => one !== null);
}

/** Null: it has no heirs. */
async function giveAliveOf(context: ClientContext, key: CertifiedKey): Promise<ToldAlive | null> {
  const { terms, isCertain } = await learnTerms(context, key);
  const rules = terms.flatMap(({ silence }) => silence ?? []);
  const [silence] = rules.toSorted((one, other) => one.afterSeconds - other.afterSeconds);
  if (silence !== undefined)
    return { ...(await tellAlive(context, { key, silence, shown: terms })), isCertain };
  const { name } = key.record;
  return isCertain ? null : { key: name, afterSeconds: null, outcome: 'unknown', isCertain, servers: [] };
}

function withoutHeirs(name: string): StateError {
  return new StateError(`${name} has no heirs: nobody waits for a sign of life`, {
    code: 'KEY_WITHOUT_HEIRS',
    hint: 'name heirs in its terms, if anybody shall have it after you',
    retryable: false,
    facts: { key: name },
  });
}

type Told = Omit<ToldAlive, 'isCertain'>;

async function tellAlive(context: ClientContext, heirs: KeyWithHeirs): Promise<Told> {
  const roster = await rosterOf(context, heirs.key);
  return tell(
    context,
    heirs,
    roster.map(({ server }) => server),
  );
}

/**
 * Gives a sign of life to each server that has just answered and has not had one for a while: each command is one. What was away hears it from the first
 * command that it answers. What becomes of it is seen by whoever looks.
 */
export async function tellDue(context: ClientContext): Promise<void> {
  for (const heirs of await keysWithSilence(context)) {
    const { key, silence } = heirs;
    const { heard } = await readAliveRecord(context.store, key.keyId);
    const late = context.clock() - dueAfter(silence);
    const due = (await rosterOf(context, key))
      .map(({ server }) => server)
      .filter(({ xid }) => context.answered.has(encodeHex(xid)))
      .filter(({ xid }) => (heard.find((one) => equalBytes(one.server, xid))?.at ?? 0) <= late);
    if (due.length > 0) await tell(context, heirs, due);
  }
}

/** L3: at least ten times within the time that the terms name. */
function dueAfter({ afterSeconds }: SilenceRule): number {
  return Math.min(OFTEN_ENOUGH_SECONDS, Math.floor(afterSeconds / 10));
}

async function tell(
  context: ClientContext,
  { key, silence: { afterSeconds }, shown = [] }: KeyWithHeirs,
  servers: readonly ServerRecord[],
): Promise<Told> {
  const { name } = key.record;
  const signer = await speakerFor(context, key, shown);
  if (signer === null) return { key: name, afterSeconds, outcome: 'unlisted', servers: [] };
  try {
    const first = await say(context, key, signer, servers, 0);
    const above = namedByEnough(key, first);
    const deaf = servers.filter((_, at) => first[at]!.later !== null);
    // Somebody with the same words has said it with a clock that is ahead: whoever goes on below it is heard by nobody.
    const second = above === null ? [] : await say(context, key, signer, deaf, above);
    const told = first.map(({ at }) => second.find((one) => one.at.server === at.server)?.at ?? at);
    await noteHeard(context, key, servers, told);
    return { key: name, afterSeconds, outcome: 'told', servers: told };
  } finally {
    wipeIdentity(signer);
  }
}

/** What one server has said to a sign of life. */
interface Said {
  readonly at: HeardAt;
  /** The later number that it says it has heard of this signer; null: it has taken this one, or says nothing. */
  readonly later: number | null;
}

async function say(
  context: ClientContext,
  key: CertifiedKey,
  signer: Identity,
  servers: readonly ServerRecord[],
  above: number,
): Promise<readonly Said[]> {
  const { number, heard } = await nextNumber(context, key, above);
  const alive = signAlive(signer, { keyId: key.keyId, number });
  return Promise.all(
    servers.map(async (server): Promise<Said> => {
      const at = heard.find((one) => equalBytes(one.server, server.xid))?.at ?? null;
      const deaf = { server: server.name, isHeard: false, at };
      try {
        const said = await (await context.linkTo(server)).call('alive.carry', { alive });
        if (said.number > number)
          return { at: { ...deaf, text: HEARD_LATER, code: null }, later: said.number };
        const taken = { isHeard: true, at: context.clock(), text: heardText(said), code: null };
        return { at: { ...deaf, ...taken }, later: null };
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        return { at: { ...deaf, text: error.message, code: error.code }, later: null };
      }
    }),
  );
}

/** Whoever has asked for the key meanwhile does so no more, and the owner learns that he did. */
function heardText({ ended }: Result<'alive.carry'>): string {
  return ended === undefined
    ? 'has heard it'
    : `has heard it; ${ended} had asked for the key, and that is over`;
}

const HEARD_LATER = 'has NOT heard it: it says that it has heard a later one';

/** A number that as many servers name as use the key, so that no liar among fewer runs it up; null: there is none. */
function namedByEnough(key: CertifiedKey, said: readonly Said[]): number | null {
  const named = said.flatMap(({ later }) => (later === null ? [] : [later]));
  return named.toSorted((one, other) => other - one)[key.public.quorum.needed - 1] ?? null;
}

/** On record before anybody hears of it, so that no number is signed for twice. */
function nextNumber(
  { store, clock }: ClientContext,
  { keyId }: CertifiedKey,
  above: number,
): Promise<AliveRecord> {
  return store.exclusive('alive', async () => {
    const before = await readAliveRecord(store, keyId);
    // By the clock, so that a machine whose records are older goes on above them.
    const next = { ...before, number: Math.max(clock(), before.number + 1, above + 1) };
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
