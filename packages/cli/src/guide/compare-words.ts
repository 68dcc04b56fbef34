import { AccessError } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { formatLikeness } from '../terminal/likeness.js';
import { confirm } from '../terminal/prompt.js';

/** What two devices show of one file. */
export interface Compared {
  /** As people call it: "phone". */
  readonly name: string;
  readonly digest: Uint8Array;
  /** What was typed with --likeness; it is compared already. */
  readonly typed: string | undefined;
  readonly question: string;
  /** Who shows the other one; default: another device of the owner. */
  readonly by?: 'approver';
}

/**
 * Shows six words and a picture, and asks whether the other device shows the same. With `--yes` they are shown, and nobody is asked.
 * @throws AccessError `DEVICE_LIKENESS_MISMATCH`, `APPROVER_LIKENESS_MISMATCH`; UsageError `INPUT_NEEDED`
 */
export async function compareWords(
  { terminal, flags }: Context,
  { name, digest, typed, question, by }: Compared,
): Promise<void> {
  if (typed !== undefined && terminal.quiet) return;
  terminal.warn(`\n${formatLikeness(terminal, name, digest)}\n`);
  if (typed !== undefined) return;
  if (flags.yes === true) {
    const other = by === 'approver' ? name : 'the other device';
    terminal.warn(`ckm: warning: with --yes nobody has compared these words with ${other}`);
    return;
  }
  if (!(await confirm(terminal, question))) throw by === 'approver' ? readsOthers(name) : doesNotMatch();
}

function doesNotMatch(): AccessError {
  return new AccessError('nothing was done: you said that the other device shows something else', {
    code: 'DEVICE_LIKENESS_MISMATCH',
    hint: 'bring the file again, on a way that nobody else has in hands, and compare once more',
  });
}

function readsOthers(name: string): AccessError {
  return new AccessError(`nothing was done: you said that ${name} read you other words`, {
    code: 'APPROVER_LIKENESS_MISMATCH',
    hint: 'have the answer brought again, on a way that nobody else has in hands, and compare once more',
  });
}
