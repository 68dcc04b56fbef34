import type { Client, SettledKey, SettleKeyArgs, SettlementPlan, SettlementWish } from '@ckm/client';
import { AvailabilityError, StateError, UsageError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { run } from '../../command-line/run.js';
import { CHANGE_ENDINGS, changeLeaf } from '../../owner/change-options.js';
import { planLines, planObject, settledLines, settledObject, whyToSay } from '../../owner/fork-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { untilDone, type WaitFlag } from '../../owner/until-done.js';
import { warnOfClock } from '../../owner/warn-of-clock.js';
import { createProgress } from '../../terminal/progress.js';
import { askTyped } from '../../terminal/prompt.js';
import { canAsk, notTyped } from '../../terminal/seat.js';

interface Flags extends WaitFlag {
  readonly counts?: string;
  readonly cancel?: true;
  readonly keyName?: string;
}

/** `ckm key settle NAME` */
export function keySettleCommand(): Command {
  return changeLeaf(
    'settle',
    'have its servers settle which of two certificates of one epoch of a key counts',
    CHANGE_ENDINGS,
  )
    .option('--counts <id>', 'which one is to count: its first digits (default: the one on record here)')
    .option('--cancel', 'take every such order back, whichever of your devices gave it')
    .action(run(settle));
}

async function settle(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const { counts, keyName, wait } = given;
  if (given.cancel === true && (counts !== undefined || wait !== undefined))
    throw optionInvalid('--cancel goes with neither --counts nor --wait', 'leave those out');
  const client = await openOwner(context);
  if (given.cancel === true) return cancel(context, client, name);
  const wish: SettlementWish = { name, ...(counts === undefined ? {} : { counts }) };
  const plan = await client.planSettlement(wish);
  terminal.warn(planLines(plan));
  if (flags.preview === true) {
    terminal.result('nothing was sent', { preview: true, name, ...planObject(plan) });
    return;
  }
  if (!plan.isChosen) throw notChosen(name, plan);
  if (keyName === undefined && !canAsk(terminal)) throw notNamed(name);
  const typed =
    keyName ??
    (await askTyped(terminal, `Type ${name} to settle it so:`, {
      sentence: `Settle which certificate of the key ${name} counts`,
      shown: null,
    }));
  if (typed.trim() !== name) throw notTyped(name);
  // What the name was typed for is ordered, whatever servers show by now.
  await carryOut(context, client, { name, plan }, given);
}

async function carryOut(
  context: Context,
  client: Client,
  args: SettleKeyArgs,
  given: WaitFlag,
): Promise<void> {
  const { terminal } = context;
  const { name } = args;
  const progress = createProgress(
    terminal,
    `go on with it: ckm key settle ${name}   or take it back: ckm key settle ${name} --cancel`,
  );
  const once = () => client.settleKey(args, progress.on);
  const work = untilDone(terminal, progress, given, once);
  let done: SettledKey | null = null;
  await progress.during(work, (settled) => {
    done = settled;
    terminal.result(settledLines(settled), settledObject(settled));
  });
  warnOfClock(context, client);
  assertAsOrdered(done);
}

/** A script that goes on behind it must not take another certificate for the one that it ordered. @throws StateError `CHANGE_OVER` */
function assertAsOrdered(settled: SettledKey | null): void {
  if (settled === null || settled.isAsOrdered) return;
  const { name } = settled.key;
  throw afterAnswer(
    new StateError(`the servers of ${name} had settled on another certificate before`, {
      code: 'CHANGE_OVER',
      hint: 'that one counts, here too',
      remedy: { kind: 'showKey', key: name },
      retryable: false,
    }),
  );
}

async function cancel({ terminal, flags }: Context, client: Client, name: string): Promise<void> {
  if (flags.preview === true) {
    terminal.result(`would take back every order to settle ${name}`, { preview: true, name });
    return;
  }
  const { at, silent } = await client.cancelSettlement(name);
  const nowhere = silent.length === 0 ? 'no such order waits' : 'none was taken back';
  terminal.result(at.length === 0 ? nowhere : `taken back at ${at.join(', ')}`, { name, at, silent });
  if (silent.length === 0) return;
  throw afterAnswer(
    new AvailabilityError(`not taken back at ${silent.join(', ')}: it may wait there`, {
      code: 'SERVERS_MISSING',
      hint: 'take it back again when they answer',
      remedy: { kind: 'cancelSettlement', key: name },
      facts: { servers: silent },
    }),
  );
}

function notChosen(name: string, { isContested, fork: { choices } }: SettlementPlan): UsageError {
  return new UsageError(`say which certificate of ${name} is to count: ${whyToSay(isContested)}`, {
    code: 'FORK_CHOICE_UNKNOWN',
    hint: `add --counts and one of ${choices.map(({ id }) => id).join(', ')}`,
  });
}

function notNamed(name: string): UsageError {
  return new UsageError('the name of the key has to be said once more to settle which certificate counts', {
    code: 'CONFIRMATION_NEEDED',
    hint: `run this on a terminal and type it, or add --key-name ${name}`,
  });
}
