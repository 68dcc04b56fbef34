import { type CertifiedKey, remedyFor } from '@ckm/client';
import { bitcoinAddress, type PublicForm, publicForm } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { policyLines } from '../../command-line/policy-flags.js';
import { leaf, run } from '../../command-line/run.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatInstant, unixNow } from '../../terminal/instant.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import { wordsOf } from '../../terminal/remedy-words.js';
import type { Terminal } from '../../terminal/terminal.js';

/** `ckm key show NAME` */
export function keyShowCommand(): Command {
  return leaf('show', 'one key: likeness, public key, descriptor or SSH line, policy')
    .argument('<name>', 'what you call the key: see ckm key list')
    .option('--public', 'only the public key in the form its purpose uses: descriptor, SSH line, hex')
    .action(run(show));
}

async function show(context: Context, name: string, flags: { readonly public?: true }): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  if (flags.public === true) {
    const form = publicObject(await client.usableKey(name));
    terminal.copied(form.value, { name, ...form });
    return;
  }
  const key = await client.showKey(name);
  terminal.result(keyLines(terminal, key), keyObject(key));
}

export function quorumText({ public: { quorum } }: CertifiedKey): string {
  return `${quorum.needed} of ${quorum.of}`;
}

/** The public half of a key as people hand it on. */
function formOf(key: CertifiedKey): PublicForm {
  const { name, network } = key.record;
  return publicForm({ ...key.context, name, ...(network === null ? {} : { network }) });
}

/** A key as its owner compares and uses it. Nothing that value could be sent to, until every server has stored it. */
export function keyLines(terminal: Terminal, key: CertifiedKey): string {
  const { record, isComplete } = key;
  return [
    formatLikeness(terminal, record.name, key.transcriptHash),
    '',
    `  Quorum      ${quorumText(key)}`,
    `  For         ${key.purpose} (${key.public.suite})`,
    ...(isComplete ? publicLines(key) : []),
    ...policyLines(record.policy).map((line) => `  ${line.replace('Policy  ', 'Policy      ')}`),
    `  Made        ${formatInstant(record.createdAt, unixNow())}`,
    `  State       ${isComplete ? 'stored by every server' : `not complete: go on with ${wordsOf(remedyFor(record)).command}`}`,
  ].join('\n');
}

function publicLines(key: CertifiedKey): string[] {
  return formOf(key).rows.map(({ label, value }) => `  ${label.padEnd(12)}${value}`);
}

/** For machines: what is handed on, and what kind of text it is. */
function publicObject(key: CertifiedKey): Pick<PublicForm, 'form' | 'value'> {
  const { form, value } = formOf(key);
  return { form, value };
}

function addressText(key: CertifiedKey): string {
  return bitcoinAddress(key.public, 'receive', 0, key.record.network ?? 'bitcoin').address;
}

/** The same for machines; `null` for what is not handed out yet. */
export function keyObject(key: CertifiedKey): unknown {
  const { record, isComplete, certificate, transcriptHash, keyId, purpose } = key;
  const { suite, quorum, groupKey } = key.public;
  return {
    name: record.name,
    keyId,
    purpose,
    suite,
    quorum,
    network: record.network,
    policy: record.policy,
    createdAt: record.createdAt,
    groupKey: isComplete ? groupKey : null,
    public: isComplete ? publicObject(key) : null,
    ...(purpose === 'bitcoin' ? { address: isComplete ? addressText(key) : null } : {}),
    transcriptHash,
    likeness: likenessObject(transcriptHash),
    isComplete,
    servers: certificate.params.roster.map(({ slot, serverId, url }) => ({ slot, xid: serverId, url })),
  };
}
