import type { ChangeKeyArgs, ChangeWish } from '@ckm/client';
import { UsageError } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { askTyped } from '../terminal/prompt.js';
import { canAsk, notTyped } from '../terminal/seat.js';
import { carryOut } from './carry-out-change.js';
import { planLines, planObject } from './change-words.js';
import { openOwner } from './open-owner.js';
import type { ByWordsFlags } from './change-options.js';
import { withWords } from './typed-words.js';
import type { WaitFlag } from './until-done.js';

export interface OrderFlags extends WaitFlag, Partial<ByWordsFlags> {
  readonly keyName?: string;
}

/**
 * Orders a change of who holds a key: shows what it means, has the name of the key typed, and carries it out as far as people and
 * delays let it come. What it means by then is what was shown, or nothing is ordered.
 * @throws UsageError `CONFIRMATION_NEEDED` where nobody can type it; StateError `CHANGE_PLAN_DIFFERS`
 */
export async function orderChange(
  context: Context,
  name: string,
  wish: ChangeWish,
  given: OrderFlags,
): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { byWords = false, from = [] } = given;
  if (from.length > 0 && !byWords) throw onlyByWords();
  const args: ChangeKeyArgs = { name, wish, byWords };
  const plan = await client.planChange(args);
  terminal.warn(planLines(name, plan));
  if (flags.preview === true) {
    terminal.result('nothing was sent', { preview: true, name, ...planObject(plan) });
    return;
  }
  const { keyName } = given;
  if (keyName === undefined && !canAsk(terminal)) throw notNamed(name);
  const typed =
    keyName ??
    (await askTyped(terminal, `Type ${name} to change who holds it:`, {
      sentence: `Change the servers of the key ${name}`,
      shown: null,
    }));
  if (typed.trim() !== name) throw notTyped(name);
  const areTyped = plan.byWords !== null && (from.length > 0 || !plan.byWords.areHere);
  await withWords(context, { from, ...(areTyped ? { words: true } : {}) }, (words) =>
    carryOut(context, client, { ...args, plan, ...(words === undefined ? {} : { words }) }, given),
  );
}

function onlyByWords(): UsageError {
  return new UsageError('--from is for the words that order something', {
    code: 'OPTION_INVALID',
    hint: 'say --by-words too, or leave it out',
  });
}

function notNamed(name: string): UsageError {
  return new UsageError('the name of the key has to be said once more to change who holds it', {
    code: 'CONFIRMATION_NEEDED',
    hint: `run this on a terminal and type it, or add --key-name ${name}`,
  });
}
