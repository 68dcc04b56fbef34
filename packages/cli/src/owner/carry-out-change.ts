import type { ChangedKey, ChangeKeyArgs, Client } from '@ckm/client';
import { StateError } from '@ckm/foundation';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { createProgress } from '../terminal/progress.js';
import { changedLines, changedObject } from './change-words.js';
import { untilDone, type WaitFlag } from './until-done.js';
import { warnOfClock } from './warn-of-clock.js';

/** Carries a change out, and shows what it left. With `--wait` it is gone on with until it is done, or so long. */
export async function carryOut(
  context: Context,
  client: Client,
  args: ChangeKeyArgs,
  given: WaitFlag,
): Promise<void> {
  const progress = createProgress(context.terminal);
  const once = () => client.changeKey(args, progress.on);
  const work = untilDone(context.terminal, progress, given, once);
  let done: ChangedKey | null = null;
  await progress.during(work, (changed) => {
    done = changed;
    showChanged(context, changed);
  });
  warnOfClock(context, client);
  assertAsOrdered(done);
}

/** A script that goes on behind a change must not take another one for it. @throws StateError `CHANGE_OVER` */
export function assertAsOrdered(changed: ChangedKey | null): void {
  if (changed === null) return;
  const { name } = changed.key;
  const forked = changed.faults.find(({ code }) => code === 'KEY_FORKED');
  if (forked !== undefined)
    throw afterAnswer(
      new StateError(forked.text, {
        code: 'KEY_FORKED',
        hint: 'a server signed twice, and no server that knows answers with the key any more: have them settle which counts',
        remedy: { kind: 'settleKey', key: name },
        retryable: false,
      }),
    );
  if (changed.isAsOrdered) return;
  throw afterAnswer(
    new StateError(`${name} was changed by an earlier order, not by this one`, {
      code: 'CHANGE_OVER',
      hint: 'look who holds it now; if need be, order the change again',
      remedy: { kind: 'showKey', key: name },
      retryable: false,
    }),
  );
}

export function showChanged({ terminal }: Context, changed: ChangedKey): void {
  terminal.result(changedLines(changed), changedObject(changed));
}
