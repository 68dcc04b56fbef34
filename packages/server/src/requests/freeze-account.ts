import type { Parameters, Result } from '@ckm/api';
import { encodeHex, equalBytes, formatMoment } from '@ckm/foundation';
import type { AuditEntry } from '../audit/audit.js';
import type { Call, ServerContext } from '../context.js';
import { type Freeze, freezeLeft, standingFreeze, withFreeze, withStanding } from '../policy/freeze.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';

/** What whoever can be told of an account is told. */
type TellFreeze = (
  transaction: Transaction,
  owner: Uint8Array,
  what: 'frozen' | 'thaw-asked',
) => Promise<void>;

export interface AccountFreezeMeans {
  readonly context: ServerContext;
  readonly tellOwner: TellFreeze;
}

/**
 * Answers `account.freeze`: this server does nothing more for the account, until that ends or its operator ends it, but what stops, tightens, takes out or gives
 * back. Every key of the account may say so, also one that another device has taken out. Said again it is the same freeze; a longer one takes its place.
 * @throws UsageError `FREEZE_INVALID`; StateError `FREEZE_OVER`; PolicyError `FREEZE_USED_UP`
 */
export async function freezeAccount(
  means: AccountFreezeMeans,
  call: Call,
  statement: Parameters<'account.freeze'>,
): Promise<Result<'account.freeze'>> {
  const { context, tellOwner } = means;
  return change(context, call, async (transaction, account, now) => {
    const before = account.freezes;
    const after = saidBy(call, statement.id, withFreeze(before, statement, now, 'account'));
    if (after === before) return after;
    // Once: whoever makes a freeze longer by a second sends nobody another message.
    if (standingFreeze(before, now) === null) await tellOwner(transaction, account.xid, 'frozen');
    const until = standingFreeze(after, now)?.until ?? statement.until;
    await note(context, transaction, call, {
      deed: 'account.freeze',
      subject: statement.id,
      sentence: `Freeze an account until ${formatMoment(until)}.`,
      verdict: 'done',
    });
    return after;
  });
}

/**
 * Answers `account.thaw`: asks the operator to end what stands. Neither a device nor the words end it: whoever holds a stolen client of the owner could, and it is he who is kept
 * from the account.
 */
export async function askAccountThaw(means: AccountFreezeMeans, call: Call): Promise<Result<'account.thaw'>> {
  const { context, tellOwner } = means;
  return change(context, call, async (transaction, account, now) => {
    const before = account.freezes;
    const standing = standingFreeze(before, now);
    if (standing === null || standing.thawAskedAt !== null) return before;
    await tellOwner(transaction, account.xid, 'thaw-asked');
    await note(context, transaction, call, {
      deed: 'account.thaw',
      subject: standing.id,
      sentence: 'Thaw an account before its time.',
      verdict: 'asked',
    });
    return withStanding(before, now, { thawAskedAt: now });
  });
}

async function change(
  { accounts, clock }: ServerContext,
  call: Call,
  work: (transaction: Transaction, account: Call['account'], now: number) => Promise<readonly Freeze[]>,
): Promise<Result<'account.freeze'>> {
  return repeatWhenRaced(() =>
    call.transact(async (transaction) => {
      // Behind whatever is being given away for it now.
      const account = (await accounts.hold(transaction, call.account.xid)) ?? call.account;
      const now = clock();
      const after = await work(transaction, account, now);
      if (after !== account.freezes) await accounts.setFreezes(transaction, account.xid, after);
      return viewOf(after, now);
    }),
  );
}

/** With who said so of the one that is new. */
function saidBy({ by }: Call, id: Uint8Array, freezes: readonly Freeze[]): readonly Freeze[] {
  const isNew = (one: Freeze) => equalBytes(one.id, id) && one.device === undefined;
  if (by.may === null || !freezes.some(isNew)) return freezes;
  return freezes.map((one) => (isNew(one) ? { ...one, device: by.id } : one));
}

async function note(
  { audit }: ServerContext,
  transaction: Transaction,
  { account, by }: Call,
  entry: Pick<AuditEntry, 'deed' | 'subject' | 'sentence' | 'verdict'>,
): Promise<void> {
  await audit.append(transaction, {
    ...entry,
    who: account.xid,
    keyId: null,
    policy: '',
    detail: by.may === null ? 'by the words' : `by device ${encodeHex(by.id).slice(0, 8)}`,
  });
}

/** What is shown of the freezes of an account. */
function viewOf(freezes: readonly Freeze[], now: number): Result<'account.freeze'> {
  const standing = standingFreeze(freezes, now);
  return { frozen: standing === null ? null : shownOf(standing), leftSeconds: freezeLeft(freezes, now) };
}

function shownOf({ id, until, thawAskedAt, device }: Freeze) {
  return { id, until, thawAskedAt, ...(device === undefined ? {} : { device }) };
}
