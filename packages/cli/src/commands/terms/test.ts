import type { KeyTerms } from '@ckm/api';
import { type CertifiedKey, type Client, shortId } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { optionInvalid, parseWhole } from '../../command-line/option-values.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { termsInForce } from '../../owner/terms-change-words.js';
import { answerLines, judgedTermsAt, pastText } from '../../owner/terms-words.js';
import { buildRequest, isRequestNamed, type RequestFlags } from '../../requests/build-request.js';
import { requestOptions } from '../../requests/request-options.js';
import { counted } from '../../terminal/counted.js';
import { formatDescription } from '../../terminal/description.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { plainText } from '../../terminal/plain-text.js';

const MOST_PAST = 1_000;

/** `ckm terms test KEY` */
export function termsTestCommand(): Command {
  const command = leaf('test', 'what the terms of a key answer to a request; nobody is asked')
    .argument('<key>', 'what you call the key: see ckm key list')
    .argument('[file]', 'a message; - is stdin')
    .option('--terms <file>', 'other terms than those of the key')
    .option('--last <number>', 'instead: the latest requests of the key that are on record here');
  for (const option of requestOptions()) command.addOption(option);
  return command.action(run(test));
}

interface Flags extends RequestFlags {
  readonly terms?: string;
  readonly last?: string;
}

async function test(context: Context, name: string, file: string | undefined, given: Flags): Promise<void> {
  const most = given.last === undefined ? null : parseWhole('--last', given.last, 1, MOST_PAST);
  if (most !== null && isRequestNamed(file, given))
    throw optionInvalid(
      '--last looks at requests of before, and another one is named too',
      'leave one of them out',
    );
  const client = await openOwner(context);
  const key = await client.showKey(name);
  const terms =
    given.terms === undefined
      ? termsInForce(await client.showTerms(name)).terms
      : await judgedTermsAt(given.terms, subjectOf(key));
  const isOfFile = given.terms !== undefined;
  if (most !== null) return testPast(context, client, key, { terms, most, isOfFile });
  const request = await buildRequest(file, given);
  const answer = await client.testTerms({ key: name, ...request, terms });
  const described = formatDescription(context.terminal, answer.description, null);
  context.terminal.talk(described, 'asWritten');
  const { rules, verdict, verdictWhenSpent, refusal, facts, description } = answer;
  context.terminal.result(answerLines(answer).join('\n'), {
    key: name,
    isOfFile,
    description,
    facts,
    refusal: refusal === null ? null : { code: refusal.code, message: refusal.message },
    rules,
    verdict,
    verdictWhenSpent,
  });
}

function subjectOf({ purpose, record: { network } }: CertifiedKey) {
  return { purpose, network };
}

async function testPast(
  { terminal }: Context,
  client: Client,
  { record: { name } }: CertifiedKey,
  { terms, most, isOfFile }: { readonly terms: KeyTerms; readonly most: number; readonly isOfFile: boolean },
): Promise<void> {
  const past = await client.testPastTerms({ key: name, most, terms });
  const now = unixNow();
  const lines = past.answers.flatMap((one) => [
    `${shortId(one.requestId)}  ${formatInstant(one.askedAt, now)}, ${one.state}: ${plainText(one.sentence)}`,
    `          ${pastText(one)}`,
  ]);
  const text = lines.length === 0 ? 'no requests of this key are on record here' : lines.join('\n');
  terminal.result(text, {
    key: name,
    isOfFile,
    answers: past.answers.map(({ answer, ...one }) => ({
      ...one,
      id: shortId(one.requestId),
      verdict: answer?.verdict ?? null,
      verdictWhenSpent: answer?.verdictWhenSpent ?? null,
      refusal: answer?.refusal?.code ?? null,
    })),
    isCut: past.isCut,
    untold: past.untold,
  });
  terminal.talk(NOT_KEPT);
  if (past.untold > 0) terminal.warn(untoldText(past.untold));
}

const NOT_KEPT =
  '  what servers signed at once is not kept, nor what other devices asked for: these are requests that waited for people, or are open';

function untoldText(count: number): string {
  return `  ${counted(count, 'signature')} that spent something left no request here: sums are too small by what they spent`;
}
