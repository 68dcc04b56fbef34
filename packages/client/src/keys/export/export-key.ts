import { encodeExportYeses, type ExportProof, recipientOf } from '@ckm/api';
import { secret, type Secret, UsageError, wipe } from '@ckm/foundation';
import { combineShares, type ExportedShare, type ExportYes, hashExport } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import type { OnProgress } from '../../progress/progress.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';
import {
  encodeExport,
  exportPath,
  type ExportRecord,
  openRecipient,
  parseExport,
  sealRecipient,
} from './export-record.js';
import { type Carried, type ExportState, hear, proposalOf, type Said } from './hear-export.js';
import { type ExportKnown, tellExported } from './tell-exported.js';
import { tellExport } from './told-export.js';

/** What an export will ask of whom. Nothing has been sent or written. */
export interface ExportPlan {
  readonly needed: number;
  readonly of: number;
  /** The owner's names of the servers that are asked. */
  readonly servers: readonly string[];
  /** Who says yes, and how long each server counts from when it first hears of it. Seconds. */
  readonly rules: {
    readonly changes: 'automatic' | 'operator';
    readonly changeDelay: number;
    /** So many of these people have to say yes besides; null: nobody is asked. */
    readonly people: { readonly needed: number; readonly of: readonly string[] } | null;
  };
  /** Whether one goes on that was begun here. */
  readonly isUnderWay: boolean;
}

export interface ExportAt {
  readonly server: string;
  readonly slot: number;
  readonly state: ExportState;
  /** The code of what it answered, where that is no yes; null: there is none. */
  readonly code: string | null;
  /** For whom it waits, or who ended it and why, as the server says; null: it says nothing of that. */
  readonly reason: string | null;
}

/** What came of it so far. */
export interface KeyExport {
  /** 32 bytes: its likeness in words is what operators type. */
  readonly orderHash: Uint8Array;
  readonly servers: readonly ExportAt[];
  /** Who has it in its log by now that the key was given out, without having given its share, and who could not be told. */
  readonly known: ExportKnown;
  /** The key itself and the shares it was made of, once enough servers gave theirs; null: they have not. The caller wipes both. */
  readonly exported: {
    readonly scalar: Secret<Uint8Array>;
    readonly shares: readonly ExportedShare[];
  } | null;
}

/** What waits where the rules of a key say nothing else. Seconds. */
const USUAL_DELAY = 86_400;
/** Time enough for operators after the delay. */
const GRACE_SECONDS = 6 * 86_400;

/** @throws UsageError `KEY_NOT_EXPORTABLE`; StorageError `SERVER_PIN_DIFFERS` */
export async function planExport(context: ClientContext, key: CertifiedKey): Promise<ExportPlan> {
  if (!key.newest.params.flags.exportable) throw notExportable(key.record.name);
  const servers = (await rosterOf(context, key)).map(({ server }) => server.name);
  const { needed, of } = key.public.quorum;
  const isUnderWay = (await findOpen(context, key)) !== null;
  return { needed, of, servers, rules: rulesOf(key), isUnderWay };
}

function rulesOf({ record: { policy } }: Pick<CertifiedKey, 'record'>): ExportPlan['rules'] {
  const { changes = 'operator', change } = policy;
  const people =
    change === undefined || change.needed === 0 ? null : { needed: change.needed, of: change.of };
  return { changes, changeDelay: delayOf(policy), people };
}

/** As servers count it, by the terms that the key was certified with. */
function delayOf({ changeDelay = USUAL_DELAY, change }: CertifiedKey['record']['policy']): number {
  return Math.max(changeDelay, change?.delaySeconds ?? 0);
}

/**
 * Asks every server of a key to give its share out, or goes on with that; called again until it has come to its end. What every
 * share is sealed to is on record before anybody hears of it, so that an answer that was lost is given again.
 * @throws as {@link planExport}; StorageError `STORE_CORRUPT`
 */
export async function exportKey(
  context: ClientContext,
  key: CertifiedKey,
  on: OnProgress,
): Promise<KeyExport> {
  await planExport(context, key);
  const record = await context.store.exclusive(
    'key-exports',
    async () => (await findOpen(context, key)) ?? (await begin(context, key)),
  );
  const recipientSecret = await openRecipient(context, key.keyId, record);
  try {
    return await carry(context, key, { record, recipientSecret }, on);
  } finally {
    wipe(recipientSecret);
  }
}

/** Takes what an export was sealed to off the records: what servers still hold of it opens for nobody any more. */
export async function closeExport({ store }: ClientContext, { keyId }: CertifiedKey): Promise<void> {
  await store.delete(exportPath(keyId));
}

async function findOpen({ store, clock }: ClientContext, key: CertifiedKey): Promise<ExportRecord | null> {
  const path = exportPath(key.keyId);
  const bytes = await store.get(path);
  if (bytes === null) return null;
  const record = parseExport(path, bytes);
  return record.epoch === key.newest.params.epoch && record.expiresAt > clock() ? record : null;
}

async function begin(context: ClientContext, key: CertifiedKey): Promise<ExportRecord> {
  const { params, transcriptHash } = key.newest;
  const exportId = context.random(32);
  const sealedAt = key.roster[0]!.serverId;
  const recipientSecret = secret(context.random(32));
  try {
    const record: ExportRecord = {
      sessionId: context.random(32),
      exportId,
      epoch: params.epoch,
      transcriptHash,
      expiresAt: context.clock() + delayOf(key.record.policy) + GRACE_SECONDS,
      sealed: await sealRecipient(context, sealedAt, exportId, recipientSecret),
      sealedAt,
    };
    await context.store.put(exportPath(key.keyId), encodeExport(record));
    return record;
  } finally {
    wipe(recipientSecret);
  }
}

async function carry(
  context: ClientContext,
  key: CertifiedKey,
  carried: Carried,
  on: OnProgress,
): Promise<KeyExport> {
  const { needed } = key.public.quorum;
  const proposal = proposalOf(key, carried);
  const orderHash = hashExport(proposal, proposal);
  const roster = await rosterOf(context, key);
  const { sessionId, expiresAt } = carried.record;
  const told = tellExport(on, carried.record, roster);
  const heard: Said[] = [];
  told.asked(heard);
  const asked = await Promise.all(
    roster.map(async (participant) => {
      const one = await hear(key, carried, participant, async () => {
        const link = await context.linkTo(participant.server);
        return link.call('session.propose', { sessionId, proposal, expiresAt });
      });
      heard.push(one);
      told.asked(heard);
      return one;
    }),
  );
  const said = new Map(asked.map((one) => [one.participant, one]));
  const yeses = asked.flatMap(({ yes }) => (yes === null ? [] : [yes])).slice(0, needed);
  const given = () => [...said.values()].flatMap(({ share }) => (share === null ? [] : [share]));
  if (yeses.length >= needed) {
    const parameters = encodeExportYeses(yeses);
    // One after the other, and no more than it takes: every share that leaves is one that cannot be taken back.
    for (const one of asked) {
      if (given().length >= needed) break;
      if (one.state !== 'agreed') continue;
      const { participant } = one;
      told.taking([...said.values()], participant);
      said.set(
        participant,
        await hear(key, carried, participant, async () => {
          const link = await context.linkTo(participant.server);
          return link.call('session.join', { sessionId, parameters });
        }),
      );
    }
  }
  const shares = given().slice(0, needed);
  if (shares.length === needed) told.taking([...said.values()], null);
  const exported = shares.length < needed ? null : { scalar: combineShares(key.newest, shares), shares };
  for (const one of given()) if (exported === null || !shares.includes(one)) wipe(one.share);
  const servers = [...said.values()].map(({ participant, state, code, reason }) => ({
    server: participant.server.name,
    slot: participant.slot,
    state,
    code,
    reason,
  }));
  if (exported === null) return { orderHash, servers, exported, known: { told: [], untold: [] } };
  told.telling([...said.values()], false);
  const known = await tellExported(context, key, proofOf(carried, yeses));
  told.telling([...said.values()], true);
  return { orderHash, servers, exported, known };
}

/** What shows a server that gave no share that others were about to. */
function proofOf({ record, recipientSecret }: Carried, yeses: readonly ExportYes[]): ExportProof {
  const { epoch, exportId } = record;
  const agreed = yeses.map(({ slot, signature }) => ({ slot, signature }));
  return { epoch, exportId, recipient: recipientOf(recipientSecret), yeses: agreed };
}

function notExportable(name: string): UsageError {
  return new UsageError(`key ${name} was not made to be exported`, {
    code: 'KEY_NOT_EXPORTABLE',
    hint: 'sign with it where it is; a key that may leave is made so',
  });
}
