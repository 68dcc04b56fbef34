import {
  type KeyTerms,
  type Parameters,
  readFreeze,
  type Result,
  type SignedFreeze,
  type SignedStatement,
  type Signer,
  statementForeign,
  whoFroze,
} from '@ckm/api';
import { CkmError, equalBytes, formatMoment } from '@ckm/foundation';
import type { AnybodyCall, ServerContext } from '../context.js';
import { type Freezer, freezerInWords } from '../policy/freezer.js';
import { type Freeze, joinFreezes, shownFreeze, standingFreeze, withCarried } from '../policy/freeze.js';
import { findTightening, NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import { freezesIn, listJoining, storeJoiningFreezes } from '../sessions/changes/epoch/joining-freezes.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { takenByEvery } from '../sessions/keys/every-row.js';
import { assertStillThere } from '../sessions/keys/over.js';
import { readSpeaking, spokenTerms } from '../sessions/keys/proven-devices.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { noteTightened } from '../sessions/keys/stored/note-marks.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Reader, Transaction } from '../storage/storage.js';
import type { KeyName } from '../vault/head-counts.js';

/**
 * Answers `freeze.carry`: this server does nothing with the key from then on, as with `key.freeze`, on the word of whoever signed it and not of whoever brings it.
 * Nobody learns from it which keys there are: a key that is not here, and a signature of nobody, are one answer.
 * @throws AccessError `STATEMENT_FOREIGN`; EncodingError `STATEMENT_INVALID`; UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER`, `KEY_LEFT`; PolicyError `FREEZE_USED_UP`
 */
export async function carryFreeze(
  context: ServerContext,
  call: AnybodyCall,
  { freeze: signed }: Parameters<'freeze.carry'>,
): Promise<Result<'freeze.carry'>> {
  const { keyId } = readFreeze(signed);
  // Whoever joins a key has no row of it yet: its owner carries it there himself.
  const rows = await context.storage.read((reader) => reader.keys.withId(keyId));
  const others = rows.map(({ owner }) => owner).filter((owner) => !equalBytes(owner, call.sender));
  const taken = await takenByEvery([call.sender, ...others], async (owner) => {
    const name = { owner, keyId };
    // Looked at first: what nobody signed leaves nothing behind, not even that it came.
    if (!(await context.storage.read((reader) => isOfKey(context, reader, name, signed)))) return null;
    return repeatWhenRaced(() =>
      call.transact((transaction) => freezeOne(context, transaction, name, signed)),
    );
  });
  return leastOf(taken);
}

/** Whoever brings it is told no more than holds for every key of that id. */
function leastOf(taken: readonly Result<'freeze.carry'>[]): Result<'freeze.carry'> {
  return taken.reduce((least, one) => {
    if (least.frozen === null || one.frozen === null) return { frozen: null };
    return one.frozen.until < least.frozen.until ? one : least;
  });
}

/** Whether somebody has signed it whom the terms of this very key name, here or at a server that is to join it. */
async function isOfKey(
  context: ServerContext,
  reader: Reader,
  name: KeyName,
  signed: SignedStatement,
): Promise<boolean> {
  const row = await reader.keys.find(name.owner, name.keyId);
  const terms =
    row === null
      ? (await listJoining(context, reader, name))[0]?.record.joining?.policy
      : openHead(context, row).policy;
  return terms !== undefined && (await signerIn(context, reader, name, signed, terms)) !== null;
}

/** @throws AccessError `STATEMENT_FOREIGN` */
async function freezeOne(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  signed: SignedStatement,
): Promise<Result<'freeze.carry'>> {
  const row = await holdRecalled(context, transaction, name);
  if (row === null) return freezeJoining(context, transaction, name, signed);
  const head = openHead(context, row);
  const signer = await signerIn(context, transaction, name, signed, head.policy);
  if (signer === null) throw statementForeign();
  assertStillThere(head, await listJoining(context, transaction, name));
  const found = await findTightening(context.vault, transaction, { ...name, tightened: head.tightened });
  const before = found ?? NO_TIGHTENING;
  const carried = carry(context, before.freezes, readFreeze(signed), signer);
  if (carried.after !== before.freezes) {
    const stored = await storeTightening(context.vault, transaction, row, {
      ...before,
      freezes: carried.after,
    });
    await noteTightened(context, transaction, row, stored);
    await note(context, transaction, name, carried.sentence, `${head.suite} for ${head.purpose}`);
  }
  return view(context, carried.after);
}

/** At a server that is to join the key: it is frozen there from when it comes. */
async function freezeJoining(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  signed: SignedStatement,
): Promise<Result<'freeze.carry'>> {
  const joining = await listJoining(context, transaction, name);
  const [first] = joining;
  const terms = first?.record.joining?.policy;
  if (terms === undefined) throw statementForeign();
  const signer = await signerIn(context, transaction, name, signed, terms);
  if (signer === null) throw statementForeign();
  const before = joinFreezes(freezesIn(joining));
  const carried = carry(context, before, readFreeze(signed), signer);
  if (carried.after !== before) {
    await storeJoiningFreezes(context, transaction, joining, carried.after);
    await note(context, transaction, name, carried.sentence, 'for when this server joins it');
  }
  return view(context, carried.after);
}

async function signerIn(
  context: ServerContext,
  reader: Reader,
  name: KeyName,
  signed: SignedStatement,
  terms: KeyTerms,
): Promise<Signer | null> {
  const { ownerKey } = terms;
  if (ownerKey === undefined) return null;
  const devices = await readSpeaking(context, reader, name, ownerKey);
  try {
    return whoFroze(signed, await spokenTerms(context, reader, name, terms), devices);
  } catch (error) {
    if (error instanceof CkmError && error.code === statementForeign().code) return null;
    throw error;
  }
}

function carry(
  { clock }: Pick<ServerContext, 'clock'>,
  freezes: readonly Freeze[],
  statement: SignedFreeze,
  signer: Signer,
): { readonly after: readonly Freeze[]; readonly sentence: string } {
  const by = freezerOf(signer);
  const after = withCarried(freezes, statement, by, clock());
  const what = statement.until === null ? 'as a paper says' : `until ${formatMoment(statement.until)}`;
  return { after, sentence: `Freeze a key ${what}, on the word of ${freezerInWords(by)}.` };
}

/** The person behind a signature: all devices of an owner are one. */
function freezerOf(signer: Signer): Freezer {
  if (signer.kind === 'approver') return { who: 'approver', name: signer.name };
  return { who: signer.kind === 'owner' ? 'owner' : 'devices' };
}

async function note(
  { audit }: Pick<ServerContext, 'audit'>,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  sentence: string,
  detail: string,
): Promise<void> {
  await audit.append(transaction, {
    deed: 'freeze.carry',
    who: owner,
    keyId,
    subject: null,
    sentence,
    verdict: 'done',
    policy: '',
    detail,
  });
}

function view({ clock }: Pick<ServerContext, 'clock'>, freezes: readonly Freeze[]): Result<'freeze.carry'> {
  const standing = standingFreeze(freezes, clock());
  return { frozen: standing === null ? null : shownFreeze(standing) };
}
