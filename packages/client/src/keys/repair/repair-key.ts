import { isDrillKeyId } from '@ckm/api';
import { AvailabilityError, CkmError, equalBytes, type Secret, UsageError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { openAccount } from '../../introduction/add-server.js';
import type { OnProgress } from '../../progress/progress.js';
import { isSilence, namesOf, type Participant } from '../../servers/ask-all.js';
import { listed } from '../../servers/faults.js';
import { newSession, runSession } from '../../sessions/run-session.js';
import type { SessionRecord } from '../../sessions/session-record.js';
import { listSessions, saveSession } from '../../sessions/sessions.js';
import { checkAcknowledgement } from '../acknowledgement.js';
import { certificatesOf, changesOf } from '../chain/key-chain.js';
import { areOnePage, askWithChain } from '../chain/show-chain.js';
import { catchUp, caughtUp } from '../changes/catch-up.js';
import { assureHeads } from '../heads/assure-head.js';
import type { CertifiedKey } from '../key-record.js';
import { noteAcknowledged } from '../keys.js';
import { planRestoration } from '../restore-key.js';
import { rosterOf } from '../roster.js';
import { askForKey } from '../verify-key.js';
import type { RepairedShare } from './conclude-repair.js';
import { type EndOfChanges, endOfChanges, repairEndsChanges } from './end-of-changes.js';
import { notesOf, readRepairRecord } from './repair-record.js';
import { shareRepair } from './share-repair.js';

export interface RepairKeyArgs {
  readonly name: string;
  /** The owner's name of the server that has lost its share. */
  readonly server: string;
  /** Who is to help; default: as many of the others as are needed, those that answer. */
  readonly helpers?: readonly string[];
  /** For a server that has lost the account too and takes nobody without. */
  readonly invite?: string | Secret<string>;
  /**
   * What the plan said under `ends`, where the owner has read it and wants the share given back all the same. It is said of one epoch: where the key is in another
   * one by then, or behind another certificate, he is told anew.
   */
  readonly endsChanges?: EndOfChanges;
}

/** Who will be asked for what. Nothing has been written, and nobody was asked but whether he answers. */
export interface RepairPlan {
  readonly server: string;
  readonly slot: number;
  readonly helpers: readonly string[];
  /** How many have to help. */
  readonly needed: number;
  /** Whether a repair of this share is under way, which goes on. */
  readonly isUnderWay: boolean;
  /** Where the key could never change its servers again after it: a refresh has to come first. Null: it could. */
  readonly ends: EndOfChanges | null;
}

/**
 * What became of it. `held`: the server had its share, or took it from the certificate by itself, as static backup does;
 * `repaired`: the others have given it back.
 */
export type KeyRepair =
  | { readonly outcome: 'held'; readonly server: string }
  | ({ readonly outcome: 'repaired' } & Omit<RepairedShare, 'kind'>);

/** Time enough for operators that are asked, and for the delay of those that say nothing. */
const LIFETIME_SECONDS = 7 * 86_400;

/**
 * @throws UsageError `SERVER_UNKNOWN`, `QUORUM_SERVERS_MISMATCH`; AvailabilityError
 * `SERVERS_MISSING` when too few others answer; StorageError `SERVER_PIN_DIFFERS`
 */
export async function planRepair(
  context: ClientContext,
  key: CertifiedKey,
  { server, helpers }: Omit<RepairKeyArgs, 'name'>,
): Promise<RepairPlan> {
  const [target] = (await planRestoration(context, key, [server])) as [Participant];
  const { needed } = key.public.quorum;
  const open = await findOpenRepair(context, key, target);
  const ends = await endOfChanges(context, key, target);
  if (open !== null) {
    const named = open.servers.slice(0, -1).map(({ name }) => name);
    return { server, slot: target.slot, helpers: named, needed, isUnderWay: true, ends };
  }
  const chosen = await chooseHelpers(context, key, target, helpers);
  return { server, slot: target.slot, helpers: namesOf(chosen), needed, isUnderWay: false, ends };
}

/**
 * Has a server that lost its share of a key get it back: from the certificate where it can, else from a quorum of the others.
 * Goes on with what is under way. An operator of each server is asked; until they have said yes, or the time for it is over,
 * this ends with `SERVERS_MISSING`, and is called again.
 * @throws as {@link planRepair} and `runSession`; StateError `REPAIR_ENDS_CHANGES` unless `endsChanges` is said
 */
export async function repairKey(
  context: ClientContext,
  known: CertifiedKey,
  { server, helpers, invite, endsChanges }: Omit<RepairKeyArgs, 'name'>,
  on: OnProgress,
): Promise<KeyRepair> {
  const key = (await assureHeads(context, known)) ? await caughtUp(context, known) : known;
  const [target] = (await planRestoration(context, key, [server])) as [Participant];
  // The key of a drill is never changed.
  const isRead = isDrillKeyId(key.keyId) || (endsChanges !== undefined && isOfNewest(key, endsChanges));
  const assertOpen = async () => {
    const end = isRead ? null : await endOfChanges(context, key, target);
    if (end !== null) throw repairEndsChanges({ name: key.record.name, server }, end);
  };
  let session = await findOpenRepair(context, key, target);
  // One that was away may still have what opens later certificates, and remember; what the first one gives back is forgotten.
  const isChanged = changesOf(key.record).length > 0;
  if (session !== null || !isChanged) await assertOpen();
  if (session === null) {
    if (await takesFromCertificate(context, key, target, invite)) {
      await assureHeads(context, key);
      return { outcome: 'held', server };
    }
    if (isChanged) await assertOpen();
    const chosen = await chooseHelpers(context, key, target, helpers);
    session = await sessionFor(context, key, target, chosen);
    await saveSession(context.store, session);
  }
  if (readRepairRecord(session).before !== null) await showEarlier(context, key, target);
  const { kind: _kind, ...repaired } = await runSession(context, shareRepair, session, on);
  return { outcome: 'repaired', ...repaired };
}

function isOfNewest({ newest }: CertifiedKey, { transcriptHash }: EndOfChanges): boolean {
  return equalBytes(newest.transcriptHash, transcriptHash);
}

/** Whether the server has its share, or has taken it from the certificate now. */
async function takesFromCertificate(
  context: ClientContext,
  key: CertifiedKey,
  target: Participant,
  invite: RepairKeyArgs['invite'],
): Promise<boolean> {
  const { server, slot } = target;
  const { verdict } = await askForKey(context, key, slot, server);
  if (verdict === 'forgot') await openAccount(context, server, invite);
  // The first certificate holds a share of the first epoch. One that was away may have kept what opens the later ones.
  if (changesOf(key.record).length > 0) {
    const isBehind = verdict === 'behind' || verdict === 'lost';
    if (!isBehind || !(await catchUp(context, key))) return verdict === 'holds';
    return (await askForKey(context, key, slot, server)).verdict === 'holds';
  }
  const link = await context.linkTo(server);
  const { certificate, policy } = key.record;
  try {
    checkAcknowledgement(key.newest, target, await link.call('key.restore', { certificate, policy }));
    await noteAcknowledged(context.store, key.record.name, key.newest.params, [slot]);
    return true;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'KEY_NOT_RESTORABLE') return false;
    throw error;
  }
}

/**
 * Has the server that lost its share know the certificates before the newest, which are too long for one message with it. One that is silent
 * takes part in nothing yet, and is shown them when this goes on.
 */
async function showEarlier(
  context: ClientContext,
  { keyId, record }: CertifiedKey,
  { server }: Participant,
): Promise<void> {
  const link = await context.linkTo(server);
  const earlier = certificatesOf(record).slice(0, -1);
  try {
    await askWithChain(link, keyId, earlier, (certificates) =>
      link.call('key.learn', { keyId, certificates }),
    );
  } catch (error) {
    if (!isSilence(error)) throw error;
  }
}

async function sessionFor(
  context: ClientContext,
  key: CertifiedKey,
  target: Participant,
  helpers: readonly Participant[],
): Promise<SessionRecord> {
  const { keyId, record, newest, transcriptHash, before } = key;
  const { name: keyName, policy } = record;
  const { epoch } = newest.params;
  const all = certificatesOf(record);
  const { chainPageBytes } = await context.linkTo(target.server);
  const isWhole = before === null || areOnePage(all, chainPageBytes);
  const chain = isWhole ? [...all] : all.slice(-1);
  const slots = helpers.map(({ slot }) => key.roster[slot - 1]!.slot);
  return newSession(context, {
    proposal: { kind: 'repair', role: 'target', keyId, epoch, chain, policy },
    servers: [...helpers, target].map(({ server }) => server),
    keyName,
    notes: notesOf({
      slot: key.roster[target.slot - 1]!.slot,
      helpers: slots,
      before: isWhole ? null : { first: transcriptHash, epoch: before },
    }),
    lifetimeSeconds: LIFETIME_SECONDS,
  });
}

async function findOpenRepair(
  { store, clock }: ClientContext,
  { keyId }: CertifiedKey,
  target: Participant,
): Promise<SessionRecord | null> {
  const all = await listSessions(store);
  const found = all.find(
    ({ state, expiresAt, proposal, servers }) =>
      state === 'open' &&
      expiresAt > clock() &&
      proposal.kind === shareRepair.kind &&
      equalBytes(proposal.keyId, keyId) &&
      equalBytes(servers.at(-1)!.xid, target.server.xid),
  );
  if (found !== undefined) readRepairRecord(found);
  return found ?? null;
}

/**
 * As many as are needed, in order of slots: those named, or those that answer and hold the key, whoever came back from an older state last: it may help only once the others
 * have told it how far the key is, and the one to be repaired may be missing for that.
 */
async function chooseHelpers(
  context: ClientContext,
  key: CertifiedKey,
  target: Participant,
  named: readonly string[] | undefined,
): Promise<readonly Participant[]> {
  const { needed } = key.public.quorum;
  const others = (await rosterOf(context, key)).filter(({ slot }) => slot !== target.slot);
  if (named !== undefined) {
    const chosen = (await planRestoration(context, key, named)).toSorted((a, b) => a.slot - b.slot);
    if (chosen.length < needed || chosen.some(({ slot }) => slot === target.slot)) {
      throw helpersInvalid(needed, target);
    }
    return chosen;
  }
  const verdicts = await Promise.all(
    others.map(async (one) => ({ one, ...(await askForKey(context, key, one.slot, one.server)) })),
  );
  const holding = verdicts.filter(({ verdict }) => verdict === 'holds');
  const sure = holding.filter(({ hasForgotten }) => hasForgotten !== true);
  const able = [...sure, ...holding.filter((one) => !sure.includes(one))].map(({ one }) => one);
  if (able.length >= needed) return able.slice(0, needed).toSorted((a, b) => a.slot - b.slot);
  const missing = others.filter((one) => !able.includes(one));
  const isOtherEpoch = verdicts.some(({ verdict }) => verdict === 'forked' || verdict === 'behind');
  throw tooFew(key, able.length, missing, isOtherEpoch);
}

function helpersInvalid(needed: number, { server }: Participant): UsageError {
  return new UsageError(`it takes ${needed} servers of the key besides ${server.name} to repair its share`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: `name ${needed} others, or none: those that answer are taken`,
  });
}

/** @param isOtherEpoch whether any of them is in another epoch, or stands behind another certificate of this one: then it is worth looking what was settled */
function tooFew(
  key: CertifiedKey,
  able: number,
  missing: readonly Participant[],
  isOtherEpoch: boolean,
): AvailabilityError {
  const names = namesOf(missing);
  const { needed } = key.public.quorum;
  return new AvailabilityError(
    `it takes ${needed} others to give the share back, and ${able} of them can: ${listed(names)} cannot, or does not answer`,
    {
      code: 'SERVERS_MISSING',
      hint: 'bring them back first, each from its own backup if need be: fewer cannot give it back',
      facts: { servers: names, ...(isOtherEpoch ? { isOtherEpoch } : {}) },
    },
  );
}
