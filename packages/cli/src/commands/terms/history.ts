import { termsChangeSentences } from '@ckm/api';
import type { TermsStandings } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';

/** `ckm terms history KEY` */
export function termsHistoryCommand(): Command {
  return leaf('history', 'how the terms of a key came about, as its servers show it')
    .argument('<key>', 'what you call the key: see ckm key list')
    .action(run(history));
}

async function history(context: Context, name: string): Promise<void> {
  const standings = await (await openOwner(context)).showTerms(name);
  const steps = standings.history.map((one) => ({ ...one, sentences: sentencesOf(one) }));
  const lines = steps.flatMap(({ sentences, have, isInForce }) => [
    ...sentences.map((sentence, at) => `${at === 0 ? '' : '  '}${sentence}`),
    `  ${isInForce ? 'in force' : 'NOT in force yet'}: ${have.length === 0 ? 'no server has them' : have.join(', ')}`,
  ]);
  context.terminal.result(lines.join('\n'), {
    name,
    binding: standings.binding,
    history: steps.map(({ terms, have, isInForce, sentences }) => ({
      version: terms.version,
      hash: encodeHex(terms.hash),
      have,
      isInForce,
      sentences,
    })),
    servers: standings.servers,
  });
}

type Step = TermsStandings['history'][number];

function sentencesOf({ terms: { terms, before, version } }: Step): readonly string[] {
  if (before === null) return [`Terms ${version}, as certified`];
  return termsChangeSentences(before.terms, terms, REQUEST_FACTS);
}
