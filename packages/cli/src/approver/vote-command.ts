import { assertMayBeSaid, type LookedAt, type LookOptions, type Verdict } from '@ckm/client';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import type { Command } from 'commander';
import { openApproverHere } from './approver-home.js';
import {
  arrivedText,
  assertWhole,
  formatMatter,
  matterObject,
  notEverywhere,
  sentenceOf,
  verdictSentence,
} from './approver-words.js';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { leaf } from '../command-line/run.js';
import { plainText } from '../terminal/plain-text.js';
import { confirm } from '../terminal/prompt.js';
import { cancelled } from '../terminal/seat.js';
import { assertQrWritable, QR_OUT, type QrFlags, writeQr } from '../picture/qr-out.js';
import { assertWritable, outFile, writeOut } from '../terminal/write-out.js';

interface Flags extends QrFlags {
  readonly out?: string;
  readonly reason?: string;
  readonly without?: string;
}

const ENDINGS = {
  69: 'a server has NOT heard it: run the same command again, or bring it on paper',
  75: 'the servers do not show the same, or what is asked for cannot be read here',
  77: 'the terms of the key do not name you',
};

/** A command by which an approver says something about what waits for him. */
export function voteLeaf(name: string, summary: string): Command {
  return leaf(name, summary, ENDINGS)
    .argument('<id>', 'its first digits: see ckm approver list')
    .option('--out <file>', 'write it to a new file too, for whoever brings it to the servers; - is stdout')
    .option(...QR_OUT);
}

/** On a command that can leave servers out, which the approver names. */
export const WITHOUT = [
  '--without <servers>',
  'do not take the word of these servers about it, separated by commas: they show something else than most',
] as const;

/** As that option names them. */
export function leavingOut({ without }: Pick<Flags, 'without'>): LookOptions {
  return without === undefined ? {} : { without: without.split(',').map((one) => one.trim()) };
}

const QUESTIONS: Readonly<Record<Verdict, string>> = {
  yes: 'Say yes?',
  no: 'Say no?',
  takeBack: 'Take it back?',
};

/** What such a command does. */
export function saying(verdict: Verdict) {
  return async (context: Context, id: string, { out: named, reason, ...flagged }: Flags): Promise<void> => {
    const { terminal, flags } = context;
    const out = outFile(named);
    await assertWritable(out, flags);
    await assertQrWritable(flagged, flags);
    const approver = await openApproverHere(context);
    const looked = await approver.look(id, leavingOut(flagged));
    terminal.warn(formatMatter(terminal, looked.view), 'asWritten');
    assertMayBeSaid(looked, verdict);
    const sentence = plainText(verdictSentence(verdict, looked.view));
    if (flags.preview === true) {
      terminal.result(`would say: ${sentence}`, { preview: true, verdict, ...matterObject(looked.view) });
      return;
    }
    await ask(context, looked, id, verdict);
    const given = await approver.say(looked, verdict, reason);
    const paper = approver.paperOf(given);
    if (out !== undefined) await writeOut(out, encodeUtf8(`${paper.text}\n`));
    const machine = {
      id: encodeHex(looked.matterId),
      verdict,
      serial: given.said.serial,
      sentence: looked.view.description?.sentence ?? null,
      at: given.at,
      refusedBy: given.refusedBy,
      silent: given.silent,
      ...(named === undefined ? {} : { votes: out ?? paper.text }),
      ...(await writeQr(flagged, paper.text)),
    };
    if (named === '-') terminal.copied(paper.text, machine);
    else terminal.result(`${sentence}\n${arrivedText(given)}`, machine);
    const left = notEverywhere(given);
    if (left !== null) throw afterAnswer(left);
  };
}

async function ask(
  { terminal, flags }: Pick<Context, 'terminal' | 'flags'>,
  looked: LookedAt,
  id: string,
  verdict: Verdict,
): Promise<void> {
  if (flags.yes === true) return assertWhole(id, looked);
  const about = { sentence: sentenceOf(looked.view), shown: formatMatter(terminal, looked.view) };
  if (!(await confirm(terminal, QUESTIONS[verdict], about))) throw cancelled();
}
