import { CkmError, encodeHex } from '@ckm/foundation';
import { membersNeeded, type PartyIndex, verifyShareProof } from '@ckm/threshold';
import { isForgotten } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import { changeChecks, checkDueAt, type CheckVerdict, readChecks } from './check-record.js';
import { catchUp, isOtherEpoch } from '../changes/catch-up.js';
import { retireBehind } from '../changes/retire-behind.js';
import { tellExported } from '../export/tell-exported.js';
import { assertNotForked } from '../forks/unsettled.js';
import { assuringLink } from '../heads/assure-head.js';
import type { CertifiedKey, KeyRecord } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { rosterOf } from '../roster.js';
import { FORGOTTEN } from '../verify-key.js';

/** What one server gave when it was asked to prove that it holds its share. */
export interface ServerCheck {
  /** The owner's name of the server; the beginning of its XID in hex when it is not on record. */
  readonly server: string;
  readonly slot: number;
  readonly verdict: CheckVerdict;
  /** One line for a person. */
  readonly text: string;
  /** The code of the error, where there is no proof to judge. */
  readonly code: string | null;
}

/** What came of asking every server of a key. */
export interface KeyCheck {
  readonly name: string;
  /** UnixSeconds. */
  readonly at: number;
  readonly epoch: number;
  readonly quorum: { readonly needed: number; readonly of: number };
  /** Whether every server has proved its share. */
  readonly isSound: boolean;
  /** How many of those that proved their share may still fail before signing stops; negative: too few did. */
  readonly margin: number;
  /** How many of its servers decide who holds it next. */
  readonly deciding: number;
  readonly servers: readonly ServerCheck[];
  /** UnixSeconds; null: never. */
  readonly nextAt: number | null;
}

/**
 * Asks every server of a key at once to prove that it holds its share, checks each proof, and puts the outcome on record. The
 * key is not used for anything, and nobody has to say yes. Where a server is in another epoch, as after a change by another
 * client of the owner, both are brought to the newest one first. Where all have theirs, shares of epochs before are destroyed
 * that nobody has heard the end of.
 * @param silent servers that are known to hang: nobody waits for them once more
 * @throws UsageError `KEY_UNKNOWN`; StorageError `SERVER_PIN_DIFFERS`; StateError `KEY_FORKED` where too few prove their shares because servers stand behind another
 * certificate, and nothing settles which counts
 */
export async function checkKey(
  context: ClientContext,
  readKey: ReadKey,
  name: string,
  silent: readonly string[] = [],
): Promise<KeyCheck> {
  let key = await readKey(name);
  let servers = await askForProofs(context, key, silent);
  if (servers.some(({ code }) => mayBeBehind(key, code)) && (await catchUp(context, key))) {
    key = await readKey(name);
    servers = await askForProofs(context, key, silent);
  }
  const check = await record(context, key, servers);
  if (check.isSound) await retireBehind(context, key);
  else if (check.margin < 0 && servers.some(({ code }) => isOtherEpoch(code)))
    await assertNotForked(context, key);
  await tellExported(context, key);
  return check;
}

/** One that joined and has not seen the certificate yet knows nothing of the key. */
function mayBeBehind({ newest }: CertifiedKey, code: string | null): boolean {
  return isOtherEpoch(code) || (code === 'KEY_UNKNOWN' && newest.params.epoch > 0);
}

async function askForProofs(
  context: ClientContext,
  key: CertifiedKey,
  silent: readonly string[],
): Promise<readonly ServerCheck[]> {
  const participants = await rosterOf(context, key);
  return Promise.all(
    key.roster.map(async ({ slot, serverId }): Promise<ServerCheck> => {
      const participant = participants.find((one) => one.slot === slot);
      if (participant !== undefined && silent.includes(participant.server.name)) {
        const text = 'does not answer in time';
        return { server: participant.server.name, slot, verdict: 'silent', text, code: 'SERVER_TIMEOUT' };
      }
      if (participant !== undefined) return askForProof(context, key, participant);
      const server = encodeHex(serverId).slice(0, 16);
      const text = 'not among your servers any more';
      return { server, slot, verdict: 'unknown', text, code: 'SERVER_UNKNOWN' };
    }),
  );
}

async function record(
  context: ClientContext,
  key: CertifiedKey,
  servers: readonly ServerCheck[],
): Promise<KeyCheck> {
  const at = context.clock();
  const { epoch } = key.newest.params;
  const past = { at, epoch, verdicts: servers.map(({ verdict }) => verdict) };
  const checks = await changeChecks(context.store, key.keyId, (before) => ({
    ...before,
    history: [...before.history, past],
  }));
  const { quorum } = key.public;
  const holding = servers.filter(({ verdict }) => verdict === 'holds').length;
  return {
    name: key.record.name,
    at,
    epoch,
    quorum,
    isSound: holding === quorum.of,
    margin: holding - quorum.needed,
    deciding: membersNeeded(quorum, key.newest.params.flags.strict),
    servers,
    nextAt: checkDueAt(checks, heldSince(key.record)),
  };
}

/** Puts on record how often a key is to be checked. @param everySeconds null: never @returns when it is due then */
export async function scheduleChecks(
  { store }: ClientContext,
  key: CertifiedKey,
  everySeconds: number | null,
): Promise<number | null> {
  const checks = await changeChecks(store, key.keyId, (before) => ({ ...before, everySeconds }));
  return checkDueAt(checks, heldSince(key.record));
}

/** When the next check of a key is due. @returns UnixSeconds; null: never */
export async function checkDue({ store }: ClientContext, key: CertifiedKey): Promise<number | null> {
  return checkDueAt(await readChecks(store, key.keyId), heldSince(key.record));
}

/** Since when it is known here; what was checked before that is on record elsewhere, if at all. */
export function heldSince({ createdAt, fetchedAt }: Pick<KeyRecord, 'createdAt' | 'fetchedAt'>): number {
  return fetchedAt ?? createdAt;
}

async function askForProof(
  context: ClientContext,
  key: CertifiedKey,
  participant: Participant,
): Promise<ServerCheck> {
  const { slot, server: record } = participant;
  const server = record.name;
  const certified = key.newest;
  const challenge = context.random(32);
  const at = context.clock();
  try {
    const link = assuringLink(context, key, participant, await context.linkTo(record));
    const { transcriptHash, params } = certified;
    const question = { keyId: key.keyId, epoch: params.epoch, transcriptHash, challenge, at };
    const { proof } = await link.call('key.check', question);
    const holds = verifyShareProof(certified, { slot: slot as PartyIndex, challenge, askedAt: at }, proof);
    return holds
      ? { server, slot, verdict: 'holds', text: 'has proved that it holds its share', code: null }
      : { server, slot, verdict: 'wrong', text: 'gave a proof that does not hold', code: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return { server, slot, ...judge(error, key.record.name), code: error.code };
  }
}

/** A refusal is told as one: it is no sign that the share is gone. */
function judge(error: CkmError, name: string): Pick<ServerCheck, 'verdict' | 'text'> {
  const { code, message, errorClass } = error;
  if (code === 'KEY_UNKNOWN') return { verdict: 'lost', text: `has lost its share of ${name}` };
  if (isForgotten(error)) return { verdict: 'forgot', text: FORGOTTEN };
  if (code === 'EPOCH_KEY_MISSING') return { verdict: 'lost', text: 'has lost the key that opens its share' };
  if (DAMAGED.includes(code)) return { verdict: 'damaged', text: 'says that its share is damaged' };
  return { verdict: errorClass === 'AvailabilityError' ? 'silent' : 'refused', text: message };
}

const DAMAGED: readonly string[] = [
  'SHARE_NOT_CERTIFIED',
  'ROW_TAMPERED',
  'KEY_WENT_BACK',
  'FILE_TAMPERED',
  'KEY_FILE_DAMAGED',
];
