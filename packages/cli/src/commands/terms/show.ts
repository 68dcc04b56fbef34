import { rulesSentences, termsSentences, versionOf } from '@ckm/api';
import { writeTermsFile } from '@ckm/client';
import { encodeUtf8 } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { assertWritable, outFile, writeArtefact } from '../../terminal/write-out.js';

/** `ckm terms show KEY` */
export function termsShowCommand(): Command {
  return leaf('show', 'the terms of a key in sentences, as they were certified')
    .argument('<key>', 'what you call the key: see ckm key list')
    .option('--keys', 'also whose keys they are: of the owner and of each approver')
    .option('--out <file>', 'a new file with the same terms, to be edited and proposed; - is stdout')
    .action(run(show));
}

interface Flags {
  readonly keys?: true;
  readonly out?: string;
}

async function show(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { record, keyId, newest } = await client.showKey(name);
  const terms = record.policy;
  const out = outFile(given.out);
  await assertWritable(out, flags);
  const sentences = (given.keys === true ? termsSentences : rulesSentences)(terms, REQUEST_FACTS);
  const machine = {
    key: name,
    keyId,
    version: versionOf(terms),
    hash: newest.params.termsHash,
    sentences,
    terms,
  };
  if (given.out !== undefined && out === undefined) {
    terminal.copied(writeTermsFile(terms).trimEnd(), machine);
    return;
  }
  if (out !== undefined && flags.preview !== true)
    await writeArtefact(out, encodeUtf8(writeTermsFile(terms)));
  terminal.result(sentences.map((one) => `  ${one}`).join('\n'), { ...machine, out: out ?? null });
}
