import type { ChangedKey, ChangeKeyArgs, Client } from '@ckm/client';
import { CkmError, StateError } from '@ckm/foundation';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { unixNow } from '../terminal/instant.js';
import { createProgress } from '../terminal/progress.js';
import { changedLines, changedObject } from './change-words.js';
import { warnOfClock } from './warn-of-clock.js';

export interface WaitFlag {
  /** How many seconds; true: however long it takes. */
  readonly wait?: true | number;
}

/** Carries a change out, and shows what it left. With `--wait` it is gone on with until it is done, or so long. */
export async function carryOut(
  context: Context,
  client: Client,
  args: ChangeKeyArgs,
  { wait }: WaitFlag,
): Promise<void> {
  const progress = createProgress(context.terminal);
  const once = () => client.changeKey(args, progress.on);
  const until = wait === true ? Number.POSITIVE_INFINITY : unixNow() + (wait ?? 0);
  const work = wait === undefined ? once() : untilDone(context, once, until);
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

const PAUSE_MS = 30_000;
/** What time or somebody else's answer cures. */
const CURABLE: readonly string[] = ['SERVERS_MISSING', 'CHANGE_WAITING', 'CHANGE_VOTES_TOO_FEW'];

/** Asks again for what time or somebody else's answer cures. @param until UnixSeconds */
export async function untilDone<T>({ terminal }: Context, once: () => Promise<T>, until: number): Promise<T> {
  let said = '';
  for (;;) {
    try {
      return await once();
    } catch (error) {
      const isCurable = error instanceof CkmError && CURABLE.includes(error.code);
      if (!isCurable || unixNow() >= until) throw error;
      if (error.message !== said) terminal.talk(`  ${error.message}`);
      said = error.message;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE_MS);
    });
  }
}
