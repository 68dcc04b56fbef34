import { type KeyTerms, rulesSentences, termsSentences, versionOf } from '@ckm/api';
import { type TermsStandings, writeTermsFile } from '@ckm/client';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { standingLines, termsInForce } from '../../owner/terms-change-words.js';
import { assertWritable, outFile, writeArtefact } from '../../terminal/write-out.js';

/** `ckm terms show KEY` */
export function termsShowCommand(): Command {
  return leaf('show', 'the terms of a key in sentences, and which of its servers have them')
    .argument('<key>', 'what you call the key: see ckm key list')
    .option('--keys', 'also whose keys they are: of the owner and of each approver')
    .option('--out <file>', 'a new file with the newest terms, to be edited and proposed; - is stdout')
    .action(run(show));
}

interface Flags {
  readonly keys?: true;
  readonly out?: string;
}

async function show(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const out = outFile(given.out);
  await assertWritable(out, flags);
  const standings = await client.showTerms(name);
  const inForce = termsInForce(standings);
  const machine = { ...machineOf(standings, inForce.terms, given.keys === true), out: out ?? null };
  const file = writeTermsFile(standings.history.at(-1)!.terms.terms);
  if (given.out !== undefined && out === undefined) {
    terminal.copied(file.trimEnd(), machine);
    return;
  }
  if (out !== undefined && flags.preview !== true) await writeArtefact(out, encodeUtf8(file));
  const lines = machine.sentences.map((one) => `  ${one}`);
  terminal.result([...lines, '', ...standingLines(standings)].join('\n'), machine);
}

function machineOf(standings: TermsStandings, terms: KeyTerms, hasKeys: boolean) {
  const { name, binding, servers, history, waiting, isTwice, apart } = standings;
  const newest = history.at(-1)!;
  const inForce = termsInForce(standings);
  return {
    key: name,
    version: versionOf(terms),
    hash: encodeHex(inForce.hash),
    isInForce: newest.isInForce,
    newest: newest.terms.version,
    binding,
    servers,
    waiting: waiting.map(({ change, terms: to, at }) => ({
      change: encodeHex(change),
      version: to.version,
      at,
    })),
    isTwice,
    apart: apart.map(({ terms: { version, hash }, have }) => ({ version, hash: encodeHex(hash), have })),
    sentences: (hasKeys ? termsSentences : rulesSentences)(terms, REQUEST_FACTS),
    terms,
  };
}
