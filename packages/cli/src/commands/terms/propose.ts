import {
  type Client,
  type ProposedTerms,
  readTermsFile,
  type TermsChangePlan,
  type WrittenTerms,
} from '@ckm/client';
import { StateError } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../../command-line/after-answer.js';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { changeLines, proposedText } from '../../owner/terms-change-words.js';
import { readTermsBytes } from '../../owner/terms-words.js';
import { confirm } from '../../terminal/prompt.js';
import { cancelled } from '../../terminal/seat.js';

/** `ckm terms propose KEY [FILE]` */
export function termsProposeCommand(): Command {
  return leaf('propose', 'propose other terms of a key: what is tighter works at once, all else waits', {
    75: 'NOT in force yet: it waits, or too few servers have heard of it; the same command goes on',
  })
    .argument('<key>', 'what you call the key: see ckm key list')
    .argument(
      '[file]',
      'all of its terms, as they are to be; without it, what was proposed here last goes on',
    )
    .option('--own', 'the same terms with this device as the owner: it came back without the words')
    .action(run(propose));
}

interface Flags {
  readonly own?: boolean;
}

async function propose(
  context: Context,
  name: string,
  file: string | undefined,
  { own = false }: Flags,
): Promise<void> {
  if (own && file !== undefined) throw optionInvalid('--own goes with no file', 'leave one of both out');
  const client = await openOwner(context);
  const written = file === undefined ? null : await writtenFor(client, name, file);
  const plan = own ? await client.planOwning(name) : await client.planTerms(name, written);
  if (await isWanted(context, plan))
    showProposed(context, own ? await client.ownKey(name) : await client.proposeTerms(name, written));
}

/**
 * Whether a change that was shown is to be proposed: with `--preview` nothing is.
 * @throws UsageError `CANCELLED`
 */
export async function isWanted({ terminal, flags }: Context, plan: TermsChangePlan): Promise<boolean> {
  if (flags.yes !== true || !terminal.quiet) terminal.warn(changeLines(plan).join('\n'));
  if (flags.preview === true) {
    const { standings: _, before: __, after, ...more } = plan;
    terminal.result('nothing was proposed', { preview: true, ...more, terms: after });
    return false;
  }
  const question = plan.goesOn ? 'Go on with that?' : 'Propose these terms?';
  if (flags.yes !== true && !(await confirm(terminal, question))) throw cancelled();
  return true;
}

/** The terms in a file that is about a key. */
export async function writtenFor(client: Client, name: string, file: string): Promise<WrittenTerms> {
  const { purpose, record } = await client.showKey(name);
  return readTermsFile(await readTermsBytes(file), { purpose, network: record.network });
}

/** @throws StateError `TERMS_NOT_IN_FORCE`, behind the answer */
export function showProposed({ terminal }: Context, proposed: ProposedTerms): void {
  terminal.result(proposedText(proposed), proposed);
  if (!proposed.isInForce) throw afterAnswer(notInForce(proposed.name));
}

function notInForce(name: string): StateError {
  return new StateError(`the terms of ${name} that were proposed are NOT in force yet`, {
    code: 'TERMS_NOT_IN_FORCE',
    hint: `see how far they are with ckm terms show ${name}; tell whoever has not heard: ckm terms propose ${name}`,
    retryable: true,
  });
}
