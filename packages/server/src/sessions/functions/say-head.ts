import {
  encodeHead,
  headStatement,
  type KeyHeadStatement,
  type KeyTerms,
  type Parameters,
  policyHash,
  type Result,
  signIdentityStatement,
  versionOf,
  type WindowAsked,
} from '@ckm/api';
import { equalBytes, formatSpan } from '@ckm/foundation';
import type { Call, ServerContext } from '../../context.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { Reader, Transaction } from '../../storage/storage.js';
import type { KeyName } from '../../vault/head-counts.js';
import { recallHead } from '../changes/votes/forget-votes.js';
import { type Charge, countUses } from '../keys/counts/count-uses.js';
import { type CountsAsked, countsAsked, countsFor, type CountsToSay } from '../keys/counts/others-counts.js';
import { type KeyHead, marksOf } from '../keys/stored/key-head.js';
import { noteMarks } from '../keys/stored/note-marks.js';
import { termsOnWay } from '../keys/terms-way.js';
import { type Certified, findCertified } from './certified-key.js';

/**
 * Says how far a key is here, for whoever drew the nonce, and how often it was used where that is asked.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_NOT_CERTIFIED`, `KEY_FORKED`; PolicyError `QUOTA_COST`
 */
export async function sayHead(
  context: ServerContext,
  call: Call,
  { keyId, nonce, windows = [], terms }: Parameters<'key.head'>,
  charge: Charge,
): Promise<Result<'key.head'>> {
  const owner = call.account.xid;
  await recallHead(context, { owner, keyId });
  const { row, head, toSay, asked } = await repeatWhenRaced(() =>
    windows.length === 0
      ? context.storage.read((reader) => readToSay(context, reader, { owner, keyId }, windows))
      : call.transact((transaction) => voidToSay(context, transaction, { owner, keyId }, { nonce, windows })),
  );
  // A server that asks how far a key is draws its nonce, and is told of those in force.
  const earlier = terms !== undefined && nonce.every((byte) => byte === 0) ? terms : null;
  const said =
    earlier === null
      ? null
      : await context.storage.read((reader) => termsOnWay(context, reader, { row, head }, earlier));
  const counts = windows.length === 0 ? null : await counted(context, row, toSay, charge);
  const { epoch, transcriptHash } = head.left ?? { epoch: row.epoch, ...head.certified! };
  const isSure = head.asks === undefined;
  const bytes = encodeHead({
    keyId,
    epoch,
    transcriptHash,
    nonce,
    isSure,
    ...(counts === null ? {} : { counts: [...counts] }),
    ...frozenNow(context, head),
    ...termsSaid(said ?? head.policy),
  });
  const signature = signIdentityStatement(context.identity, headStatement(bytes));
  return { head: bytes, signature, ...questionOf(head, asked) };
}

/** The freeze that others are told of: one of them may have forgotten it. */
function frozenNow(
  { clock }: Pick<ServerContext, 'clock'>,
  { frozen }: KeyHead,
): Pick<KeyHeadStatement, 'frozen'> {
  if (frozen === undefined || frozen.until <= clock()) return {};
  return { frozen: { id: frozen.id, until: frozen.until } };
}

/** The terms that others are told of: one of them may have forgotten them, or was away. */
function termsSaid(policy: KeyTerms): Pick<KeyHeadStatement, 'terms'> {
  const version = versionOf(policy);
  return version === 0 ? {} : { terms: { version, hash: policyHash(policy) } };
}

/** What this server asks others itself. */
function questionOf(
  { asks, counting }: KeyHead,
  asked: CountsAsked | null,
): Pick<Result<'key.head'>, 'asks' | 'windows' | 'rosters'> {
  if (asked === null) return { asks: asks ?? null, windows: [], rosters: [] };
  const rosters = asked.rosters.map(({ epoch }) => epoch);
  const windows = asked.windows.map(({ from: _from, ...window }) => window);
  return { asks: asks ?? counting!.nonce, windows, rosters };
}

/** What is said of a key, as it is stored. */
interface ToSay extends Certified {
  readonly toSay: CountsToSay;
  readonly asked: CountsAsked | null;
}

async function readToSay(
  context: ServerContext,
  reader: Reader,
  name: KeyName,
  windows: readonly WindowAsked[],
): Promise<ToSay> {
  const found = await findCertified(reader, context, name);
  const toSay = await countsFor(context, reader, found, windows);
  return { ...found, toSay, asked: await countsAsked(context, reader, found) };
}

/**
 * Voids what was published of nonces, before anything is counted: what another server has given out for it and forgotten is of use to nobody
 * then, unless it is counted here. Once for each nonce: whoever drew it had forgotten by then.
 */
async function voidToSay(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  { nonce, windows }: { readonly nonce: Uint8Array; readonly windows: readonly WindowAsked[] },
): Promise<ToSay> {
  await transaction.keys.hold(name.owner, name.keyId);
  const said = await readToSay(context, transaction, name, windows);
  const { row, head } = said;
  if (head.voided !== undefined && equalBytes(head.voided.nonce, nonce)) return said;
  const voided = { times: (head.voided?.times ?? 0) + 1, nonce };
  await noteMarks(context, transaction, row, { ...marksOf(head), voided });
  await context.audit.append(transaction, {
    deed: 'key.head',
    who: name.owner,
    keyId: name.keyId,
    subject: null,
    sentence: `Say how often a key (${head.suite}) for ${head.purpose} was used, and void what is published for its next signatures.`,
    verdict: 'done',
    policy: '',
    detail: windows
      .map(
        ({ within, most, of }) =>
          `up to ${most}${of === undefined ? '' : ` of ${of}`} in ${formatSpan(within)}`,
      )
      .join(', '),
  });
  return said;
}

/** Behind the commit: nobody waits for the key meanwhile. What an attempt adds now is made with what was published since. */
async function counted(
  context: ServerContext,
  name: KeyName,
  { starts, say }: CountsToSay,
  charge: Charge,
): ReturnType<CountsToSay['say']> {
  const counts = await countUses(context, name, starts, charge);
  return say(({ since, most }) => Math.min(most, counts.get(since)!));
}
