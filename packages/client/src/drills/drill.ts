import { CkmError, equalBytes } from '@ckm/foundation';
import { buildDrillRequest, DRILL } from '@ckm/requests';
import type { ClientContext } from '../context/context.js';
import { heldSince } from '../keys/checks/check-key.js';
import { type CertifiedKey, requireUsable } from '../keys/key-record.js';
import { createKeyReader, type ReadKey } from '../keys/keys.js';
import { repairKey } from '../keys/repair/repair-key.js';
import { planRestoration } from '../keys/restore-key.js';
import { rosterOf } from '../keys/roster.js';
import type { OnProgress } from '../progress/progress.js';
import { namesOf, type Participant } from '../servers/ask-all.js';
import { listSessions } from '../sessions/sessions.js';
import { createCommitmentPools } from '../signing/crafts/commitment-pool.js';
import { createSigner } from '../signing/signer.js';
import {
  drillFailed,
  drillImpossible,
  drillNotOver,
  isFinding,
  isWait,
  serversNotOnRecord,
} from './drill-errors.js';
import { clearAway, forgetAt, freshDrillName, makeDrillKey } from './drill-key.js';
import {
  begunAnewAt,
  canDrill,
  changeDrills,
  drillDueAt,
  type DrillStage,
  type DrillWay,
  type OpenDrill,
  readAllDrills,
  readDrills,
} from './drill-record.js';
import { besideKeys } from './drill-store.js';
import { toldStages } from './told-stages.js';

export interface DrillArgs {
  /** The owner's name of the key whose servers are drilled. */
  readonly name: string;
  /** The owner's name of the server that is made to forget its share of the drill's own key. */
  readonly lost: string;
}

/** What a drill will ask of whom. Nothing has been sent or written. */
export interface DrillPlan extends DrillArgs {
  /** In order of slots: all of them make the key of the drill. */
  readonly servers: readonly string[];
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Whether one that was left goes on. */
  readonly isUnderWay: boolean;
}

/** What came of a drill that came to its end. */
export interface Drill extends DrillArgs {
  /** UnixSeconds. */
  readonly at: number;
  /** Of the key that it was for. */
  readonly epoch: number;
  readonly quorum: { readonly needed: number; readonly of: number };
  readonly way: DrillWay;
  /** Who gave the share back; empty where the server took it from the certificate. */
  readonly helpers: readonly string[];
  /** Who signed with the share that came back: a quorum with that server in it. */
  readonly signers: readonly string[];
  /** Servers that were not told to forget the key of the drill; they do so after a week. */
  readonly notTold: readonly string[];
  /** UnixSeconds: when the next drill is due; null: never. */
  readonly nextAt: number | null;
}

/**
 * @throws UsageError `KEY_UNKNOWN`, `SERVER_UNKNOWN`; StateError `KEY_NOT_USABLE`, `DRILL_IMPOSSIBLE`; AvailabilityError
 * `SERVERS_MISSING`; StorageError `SERVER_PIN_DIFFERS`
 */
export async function planDrill(
  context: ClientContext,
  readKey: ReadKey,
  args: DrillArgs,
): Promise<DrillPlan> {
  const { key, roster } = await readSubject(context, readKey, args);
  const { open } = await readDrills(context.store, key.keyId);
  return {
    ...args,
    servers: namesOf(roster),
    quorum: key.public.quorum,
    isUnderWay: open !== null && goesOn(context, open, key, args),
  };
}

/**
 * Rehearses what follows when a server has lost everything: its servers make a key of their own for this drill, the lost one forgets its
 * share of that, gets it back as it would a real one, and a quorum with it signs. No share of a real key is touched, and what was made
 * is forgotten. Goes on with a drill that was left.
 * @throws as {@link planDrill}; `DRILL_FAILED` in the class of what went wrong; `DRILL_NOT_OVER`
 */
export async function drillKey(
  context: ClientContext,
  readKey: ReadKey,
  args: DrillArgs,
  on: OnProgress,
): Promise<Drill> {
  const subject = await readSubject(context, readKey, args);
  const run: Run = { context, beside: besideKeys(context), told: toldStages(on), ...args, ...subject };
  let open = await begin(run);
  try {
    const certified = await makeDrillKey(run.beside, open.name, subject, run.told.make);
    if (open.stage === 'make') {
      await forgetAt(run.beside, subject.target, certified.keyId);
      open = await note(run, open, { stage: 'give-back' });
    }
    if (open.stage === 'give-back')
      open = await note(run, open, { stage: 'sign', helpers: await giveBack(run, open, certified) });
    const signers = await sign(run, open);
    return await finish(run, open, signers);
  } catch (error) {
    return await stop(run, open, error);
  }
}

/** Puts on record how often a key is to be drilled. @param everySeconds null: never @returns when it is due then */
export async function scheduleDrills(
  { store }: ClientContext,
  key: CertifiedKey,
  everySeconds: number | null,
): Promise<number | null> {
  const record = await changeDrills(store, key.keyId, (before) => ({ ...before, everySeconds }));
  return canDrill(key.public.quorum) ? drillDueAt(record, heldSince(key.record)) : null;
}

/** When the next drill of a key is due. @returns UnixSeconds; null: never */
export async function drillDue({ store }: ClientContext, key: CertifiedKey): Promise<number | null> {
  if (!canDrill(key.public.quorum)) return null;
  return drillDueAt(await readDrills(store, key.keyId), heldSince(key.record));
}

/** The key whose servers are drilled, and who they are. */
interface Subject {
  readonly key: CertifiedKey;
  readonly roster: readonly Participant[];
  readonly target: Participant;
}

interface Run extends Subject, DrillArgs {
  readonly context: ClientContext;
  /** For all that is of the drill itself. */
  readonly beside: ClientContext;
  readonly told: ReturnType<typeof toldStages>;
}

async function readSubject(
  context: ClientContext,
  readKey: ReadKey,
  { name, lost }: DrillArgs,
): Promise<Subject> {
  const key = requireUsable(await readKey(name));
  const [target] = (await planRestoration(context, key, [lost])) as [Participant];
  const { quorum } = key.public;
  if (!canDrill(quorum)) throw drillImpossible(key);
  const roster = await rosterOf(context, key);
  if (roster.length < quorum.of) throw serversNotOnRecord(key, quorum.of - roster.length);
  return { key, roster, target };
}

/** The same server, in the same epoch, and not too long ago. */
function goesOn({ clock }: ClientContext, open: OpenDrill, key: CertifiedKey, { lost }: DrillArgs): boolean {
  const isSame = open.server === lost && open.epoch === key.newest.params.epoch;
  return isSame && clock() < begunAnewAt(open);
}

/** What was left of others is cleared away: of another server, of another epoch, of a run that ended in the middle of that. */
async function begin(run: Run): Promise<OpenDrill> {
  const { context, beside, key, lost, roster } = run;
  const { open: before } = await readDrills(context.store, key.keyId);
  if (before !== null && goesOn(context, before, key, run)) return before;
  const all = await readAllDrills(context.store);
  const others = [...all.values()].flatMap(({ open }) =>
    open === null || open.name === before?.name ? [] : [open.name],
  );
  const names = new Set((await listSessions(beside.store)).map(({ keyName }) => keyName));
  for (const name of names)
    if (!others.includes(name)) await clearAway(beside, name, name === before?.name ? roster : []);
  const { epoch } = key.newest.params;
  const begunAt = context.clock();
  const open: OpenDrill = {
    name: freshDrillName(context),
    server: lost,
    epoch,
    begunAt,
    stage: 'make',
    helpers: [],
  };
  await changeDrills(context.store, key.keyId, (record) => ({ ...record, open }));
  return open;
}

async function note(
  { context, key }: Run,
  before: OpenDrill,
  change: Partial<Pick<OpenDrill, 'stage' | 'helpers'>>,
): Promise<OpenDrill> {
  const open = { ...before, ...change };
  await changeDrills(context.store, key.keyId, (record) => ({ ...record, open }));
  return open;
}

/** @returns names of those who gave it back; none where the server took it from the certificate */
async function giveBack(run: Run, open: OpenDrill, key: CertifiedKey): Promise<readonly string[]> {
  const { beside, target, told } = run;
  const repair = await repairKey(beside, key, { server: target.server.name }, told['give-back']);
  if (repair.outcome === 'repaired') return repair.helpers;
  // It has its share: by a repair whose end was not heard here, if there was one.
  const done = (await listSessions(beside.store)).find(
    ({ keyName, proposal }) => keyName === open.name && proposal.kind === 'repair',
  );
  return done === undefined ? [] : done.servers.slice(0, -1).map(({ name }) => name);
}

/** As many as are needed, the lost one among them: it cannot be done without the share that came back. */
async function sign(
  { beside, key, roster, target, told }: Run,
  { name, helpers }: OpenDrill,
): Promise<readonly string[]> {
  const others = roster.filter((one) => one !== target && !equalBytes(one.server.xid, target.server.xid));
  const first = others.filter(({ server }) => helpers.includes(server.name));
  const chosen = [...first, ...others.filter((one) => !first.includes(one))].slice(
    0,
    key.public.quorum.needed - 1,
  );
  const without = namesOf(others.filter((one) => !chosen.includes(one)));
  const signer = createSigner(beside, createKeyReader(beside.store), createCommitmentPools(beside.store));
  const request = { key: name, kind: DRILL, payload: buildDrillRequest(), without, waitSeconds: 0 };
  try {
    const { signers } = await (await signer.prepare(request)).sign(told.sign);
    return signers;
  } finally {
    await signer.settle();
  }
}

async function finish(
  run: Run,
  { name, epoch, helpers }: OpenDrill,
  signers: readonly string[],
): Promise<Drill> {
  const { context, beside, key, roster, lost } = run;
  const at = context.clock();
  const way = helpers.length > 0 ? 'peers' : 'certificate';
  const record = await changeDrills(context.store, key.keyId, (before) => ({
    ...before,
    open: null,
    history: [...before.history, { at, epoch, server: lost, way, code: null }],
  }));
  const notTold = await clearAway(beside, name, roster);
  return {
    name: run.name,
    lost,
    at,
    epoch,
    quorum: key.public.quorum,
    way,
    helpers,
    signers,
    notTold,
    nextAt: drillDueAt(record, heldSince(key.record)),
  };
}

const STEPS: Readonly<Record<DrillStage, (lost: string) => string>> = {
  make: () => 'making the key of the drill',
  'give-back': (lost) => `giving ${lost} its share back`,
  sign: (lost) => `signing with ${lost}`,
};

/** Whatever is no finding leaves the drill open. @throws always */
async function stop(run: Run, open: OpenDrill, error: unknown): Promise<never> {
  const { context, beside, key, roster, name, lost } = run;
  const drill = { name, server: lost, begunAnewAt: begunAnewAt(open) };
  const step = STEPS[open.stage](lost);
  if (!isFinding(error))
    throw error instanceof CkmError && isWait(error) ? drillNotOver(drill, step, error) : error;
  const at = context.clock();
  const past = { at, epoch: open.epoch, server: lost, way: null, code: error.code };
  const isOurs = (await readDrills(context.store, key.keyId)).open?.name === open.name;
  if (!isOurs) throw drillNotOver(drill, step, error);
  await changeDrills(context.store, key.keyId, (before) => ({
    ...before,
    open: null,
    history: [...before.history, past],
  }));
  await clearAway(beside, open.name, roster);
  throw drillFailed(drill, step, error);
}
