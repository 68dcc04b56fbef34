import type { KeyFreeze, ServerFreeze } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { formatTable } from '../terminal/table.js';

/** `ckm thaw NAME` */
export function thawCommand(): Command {
  return leaf('thaw', 'ask the operators to end a freeze before its time')
    .argument('<name>', 'what you call the key: see ckm key list')
    .action(run(thaw));
}

async function thaw(context: Context, name: string): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const { keyId } = await client.showKey(name);
  if (flags.preview === true) {
    const text = `nothing was sent; would ask the operators of all servers of ${name} to thaw it`;
    terminal.result(text, { preview: true, name });
    return;
  }
  const asked = await client.thawKey(name);
  terminal.result(thawText(asked), asked);
  if (asked.servers.some(({ verdict }) => verdict === 'frozen'))
    terminal.talk(`each of them ends it with: ckm server policy thaw FOLDER ${encodeHex(keyId).slice(0, 8)}`);
}

function thawText({ name, quorum, servers }: KeyFreeze): string {
  const frozen = servers.filter(({ verdict }) => verdict === 'frozen');
  const open = servers.filter(({ verdict }) => verdict === 'open').length;
  const head =
    frozen.length === 0
      ? `${name} is frozen nowhere, as far as its servers answer`
      : `${open} of ${quorum.of} servers go on with ${name}, ${quorum.needed} are needed to sign; the operators of the others are asked`;
  return `${head}\n${formatTable(
    servers.map((one) => [one.verdict === 'open' ? 'ok' : 'warn', one.server, rowText(one)]),
    '  ',
  )}`;
}

function rowText({ verdict, until, text }: ServerFreeze): string {
  if (verdict !== 'frozen' || until === null) return text;
  return `frozen until ${formatInstant(until, unixNow())}; its operator has been asked to thaw it`;
}
