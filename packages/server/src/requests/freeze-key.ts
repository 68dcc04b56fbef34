import type { Parameters, Result } from '@ckm/api';
import { formatMoment } from '@ckm/foundation';
import { parseKeyParams } from '@ckm/threshold';
import type { Call, ServerContext } from '../context.js';
import {
  type Freeze,
  freezeLeft,
  joinFreezes,
  shownFreeze,
  standingFreeze,
  withFreeze,
  withStanding,
} from '../policy/freeze.js';
import { findTightening, NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import { refusal } from '../refusals.js';
import {
  freezesIn,
  type JoiningChange,
  listJoining,
  storeJoiningFreezes,
} from '../sessions/changes/epoch/joining-freezes.js';
import { holdRecalled } from '../sessions/changes/votes/forget-votes.js';
import { readWhatFollows } from '../sessions/changes/votes/what-follows.js';
import { assertStillThere } from '../sessions/keys/over.js';
import { type KeyHead, openHead } from '../sessions/keys/stored/key-head.js';
import { noteTightened } from '../sessions/keys/stored/note-marks.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';
import type { KeyName } from '../vault/head-counts.js';
import { thawStanding } from './thaw-key.js';

/**
 * Answers `key.freeze`: this server does nothing with the key from then on, until the freeze ends or its operator thaws it.
 * What was answered before is answered again. Said again it is the same freeze. A server that is to join the key keeps it until it has a
 * share. With it comes who may hold the key next, whatever is frozen here.
 * @throws AccessError `KEY_UNKNOWN`; UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER`, `KEY_LEFT`; PolicyError `FREEZE_USED_UP`
 */
export function freezeKey(
  context: ServerContext,
  call: Call,
  { keyId, ...statement }: Parameters<'key.freeze'>,
): Promise<Result<'key.freeze'>> {
  return changeFreezes(context, call, keyId, (freezes, now) => ({
    after: withFreeze(freezes, statement, now),
    deed: 'key.freeze',
    verdict: 'done',
    sentence: `Freeze a key until ${formatMoment(statement.until)}.`,
  }));
}

/**
 * Answers `key.thaw`: asks the operator, and the people whom the terms of the key name for changes, to end the freeze that stands. The account alone does not end it:
 * whoever holds a stolen client of the owner could, and it is he who is kept from the key. Asked again it counts what they have said.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_LEFT`
 */
export function askThaw(
  context: ServerContext,
  call: Call,
  { keyId }: Parameters<'key.thaw'>,
): Promise<Result<'key.thaw'>> {
  const asked = { deed: 'key.thaw', sentence: 'Thaw a key before its time.' } as const;
  return changeFreezes(context, call, keyId, async (freezes, now, at) => {
    if (at === null) {
      const isAsked = standingFreeze(freezes, now)?.thawAskedAt !== null;
      const after = isAsked ? freezes : withStanding(freezes, now, { thawAskedAt: now });
      return { ...asked, after, verdict: 'asked' };
    }
    const name = { owner: call.account.xid, keyId };
    const thawed = await thawStanding(context, at.transaction, name, at.head, freezes, 'asked');
    const isOver = standingFreeze(freezes, now) !== null && standingFreeze(thawed.freezes, now) === null;
    return {
      ...asked,
      after: thawed.freezes,
      verdict: isOver ? 'done' : 'asked',
      ...(thawed.waits === null ? {} : { waits: thawed.waits }),
    };
  });
}

/** The key that is frozen here, in the transaction in which it is looked at. */
interface HeldHere {
  readonly transaction: Transaction;
  readonly head: KeyHead;
}

/** @param at null: this server is yet to join the key */
type ChangeOfFreezes = (
  freezes: readonly Freeze[],
  now: number,
  at: HeldHere | null,
) => FreezeChange | Promise<FreezeChange>;

/** What a message makes of the freezes of a key, and how that is written down. */
interface FreezeChange {
  /** The same list: nothing has changed. */
  readonly after: readonly Freeze[];
  readonly deed: string;
  readonly verdict: 'asked' | 'done';
  readonly sentence: string;
  /** Whose yes the end of what stands waits for; absent: nobody's, or that is not what was asked. */
  readonly waits?: string;
}

async function changeFreezes(
  context: ServerContext,
  call: Call,
  keyId: Uint8Array,
  change: ChangeOfFreezes,
): Promise<Result<'key.freeze'>> {
  const name = { owner: call.account.xid, keyId };
  const view = await repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const row = await holdRecalled(context, transaction, name);
      const joining = await listJoining(context, transaction, name);
      if (row === null) return freezeJoining(context, transaction, name, joining, change);
      const head = openHead(context, row);
      assertStillThere(head, joining);
      const { tightened } = head;
      const found = await findTightening(context.vault, transaction, { ...name, tightened });
      const before = found ?? NO_TIGHTENING;
      const now = context.clock();
      const changed = await change(before.freezes, now, { transaction, head });
      if (changed.after !== before.freezes) {
        const after = { ...before, freezes: changed.after };
        const stored = await storeTightening(context.vault, transaction, row, after);
        await noteTightened(context, transaction, row, stored);
        await append(context, transaction, name, head, changed);
      }
      const { waits } = changed;
      return { ...viewFreezes(changed.after, now), ...(waits === undefined ? {} : { waits }) };
    }),
  );
  // After the commit: who is frozen binds itself to nothing more.
  const follows = await context.storage.read((reader) => readWhatFollows(context, reader, name));
  return { ...view, ...follows };
}

/** The same at a server that is to join the key: it is frozen there from when it comes. @throws AccessError `KEY_UNKNOWN` */
async function freezeJoining(
  context: ServerContext,
  transaction: Transaction,
  name: KeyName,
  joining: readonly JoiningChange[],
  change: ChangeOfFreezes,
): Promise<Result<'key.freeze'>> {
  const [first] = joining;
  if (first === undefined) throw refusal('KEY_UNKNOWN', 'there is no such key');
  const before = joinFreezes(freezesIn(joining));
  const now = context.clock();
  const changed = await change(before, now, null);
  const areAlike = joining.every(({ record: { freezes = [] } }) => freezes.length === before.length);
  if (changed.after !== before || !areAlike) {
    await storeJoiningFreezes(context, transaction, joining, changed.after);
    const { suite, purpose } = parseKeyParams(first.record.joining!.parameters);
    await append(context, transaction, name, { suite, purpose }, changed);
  }
  return viewFreezes(changed.after, now);
}

async function append(
  { audit }: ServerContext,
  transaction: Transaction,
  { owner, keyId }: KeyName,
  { suite, purpose }: Pick<KeyHead, 'suite' | 'purpose'>,
  { deed, verdict, sentence }: FreezeChange,
): Promise<void> {
  const detail = `${suite} for ${purpose}`;
  await audit.append(transaction, {
    deed,
    who: owner,
    keyId,
    subject: null,
    sentence,
    verdict,
    policy: '',
    detail,
  });
}

function viewFreezes(freezes: readonly Freeze[], now: number): Result<'key.freeze'> {
  const standing = standingFreeze(freezes, now);
  const leftSeconds = freezeLeft(freezes, now);
  if (standing === null) return { frozen: null, leftSeconds };
  return { frozen: shownFreeze(standing), leftSeconds };
}
