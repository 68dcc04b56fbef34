import type { Parameters, Result } from '@ckm/api';
import { formatMoment } from '@ckm/foundation';
import type { Call, ServerContext } from '../context.js';
import { type Freeze, freezeLeft, standingFreeze, withFreeze, withStanding } from '../policy/freeze.js';
import { findTightening, NO_TIGHTENING, storeTightening } from '../policy/tightening.js';
import { refusal } from '../refusals.js';
import { keyLeft } from '../sessions/keys/over.js';
import { noteTightened, openHead, type KeyHead } from '../sessions/keys/stored-key.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';

/**
 * Answers `key.freeze`: this server does nothing with the key from then on, until the freeze ends or its operator thaws it.
 * What was answered before is answered again. Said again it is the same freeze.
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
 * Answers `key.thaw`: asks the operator to end the freeze that stands. The account alone does not end it: whoever holds a
 * stolen client of the owner could, and it is he who is kept from the key.
 * @throws AccessError `KEY_UNKNOWN`; StateError `KEY_LEFT`
 */
export function askThaw(
  context: ServerContext,
  call: Call,
  { keyId }: Parameters<'key.thaw'>,
): Promise<Result<'key.thaw'>> {
  return changeFreezes(context, call, keyId, (freezes, now) => {
    const isAsked = standingFreeze(freezes, now)?.thawAskedAt !== null;
    return {
      after: isAsked ? freezes : withStanding(freezes, now, { thawAskedAt: now }),
      deed: 'key.thaw',
      verdict: 'asked',
      sentence: 'Thaw a key before its time.',
    };
  });
}

/** What a message makes of the freezes of a key, and how that is written down. */
interface FreezeChange {
  /** The same list: nothing has changed. */
  readonly after: readonly Freeze[];
  readonly deed: string;
  readonly verdict: 'asked' | 'done';
  readonly sentence: string;
}

function changeFreezes(
  context: ServerContext,
  call: Call,
  keyId: Uint8Array,
  change: (freezes: readonly Freeze[], now: number) => FreezeChange,
): Promise<Result<'key.freeze'>> {
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      const owner = call.account.xid;
      const row = await transaction.keys.hold(owner, keyId);
      if (row === null) throw refusal('KEY_UNKNOWN', 'there is no such key');
      const head = openHead(context, row);
      const { tightened, left } = head;
      // It does nothing with the key anyway, and an owner who counts must not count it.
      if (left !== undefined) throw keyLeft(left.epoch);
      const found = await findTightening(context.vault, transaction, { owner, keyId, tightened });
      const before = found ?? NO_TIGHTENING;
      const now = context.clock();
      const changed = change(before.freezes, now);
      if (changed.after !== before.freezes) {
        const after = { ...before, freezes: changed.after };
        await noteTightened(
          context,
          transaction,
          row,
          await storeTightening(context.vault, transaction, row, after),
        );
        await append(context, transaction, { owner, keyId }, head, changed);
      }
      return viewFreezes(changed.after, now);
    }),
  );
}

async function append(
  { audit }: ServerContext,
  transaction: Transaction,
  { owner, keyId }: { readonly owner: Uint8Array; readonly keyId: Uint8Array },
  { suite, purpose }: KeyHead,
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
  const { id, until, thawAskedAt } = standing;
  return { frozen: { id, until, thawAskedAt }, leftSeconds };
}
