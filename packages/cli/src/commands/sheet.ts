import { type Client, type OwnerOrSeed, secretOf } from '@ckm/client';
import { encodeHex, encodeUtf8, StateError } from '@ckm/foundation';
import { publicForm } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { recoveryText } from '../command-line/policy-flags.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { unlockOwner } from '../owner/unlock-owner.js';
import { createSheetCheck } from '../sheet/sheet-check.js';
import { sheetPage } from '../sheet/sheet-page.js';
import {
  checkedLines,
  formatSheet,
  type Sheet,
  type SheetCheck,
  type SheetKey,
  sheetLines,
  type SheetServer,
  sheetText,
} from '../sheet/sheet.js';
import { dateOf, unixNow } from '../terminal/instant.js';
import type { Terminal } from '../terminal/terminal.js';
import { isHandedOut } from './key/show.js';
import { assertWritable, outFile, writeOut } from '../terminal/write-out.js';

/** `ckm sheet` */
export function sheetCommand(): Command {
  return leaf('sheet', 'a recovery sheet to print: your servers and keys, with nothing secret')
    .option('--html', 'as a page with pictures and a QR code, to be printed from a browser')
    .option('--out <file>', 'a new file; - is stdout, as without it')
    .action(run(sheet));
}

async function sheet(
  context: Context,
  { html, out: named }: { readonly html?: true; readonly out?: string },
): Promise<void> {
  const { terminal, flags } = context;
  const out = outFile(named);
  await assertWritable(out, flags);
  const owner = await unlockOwner(context);
  const client = await openOwner(context, owner);
  const content = await readSheet(client, owner);
  const text = html === true ? await sheetPage(content) : formatSheet(content);
  if (out !== undefined && flags.preview !== true) await writeOut(out, encodeUtf8(text));
  const machine = sheetObject(content, out);
  // Of a page every letter counts.
  if (out !== undefined || html === true) terminal.copied(out === undefined ? text : '', machine);
  else show(terminal, content, machine);
  if (flags.preview === true) return;
  await client.noteSheet();
  if (out !== undefined) terminal.talk(`  sheet written to ${out}: print it`);
  if (content.check === null)
    terminal.talk(
      '  made by a device, the sheet has no check: when it is read back, you are asked about its servers',
    );
}

/** Only what people read is broken to fit: what programs read is copied off the screen as it is. */
function show(terminal: Terminal, content: Sheet, machine: object): void {
  // It is paper, and read where another machine is.
  terminal.result(sheetText(content), machine, 'asWritten');
  if (!terminal.json) terminal.copied(sheetLines(content).join('\n'), null);
}

/** @throws StateError `SHEET_EMPTY` */
async function readSheet(client: Client, owner: OwnerOrSeed): Promise<Sheet> {
  const pinned = await client.listServers();
  if (pinned.length === 0) throw empty();
  const servers = pinned.map(({ name, xid, url }) => ({ name, xid, url }));
  const keys = await readKeys(client, servers);
  const madeAt = unixNow();
  return {
    madeAt,
    servers,
    keys,
    check: checkOf(owner, checkedLines({ madeOn: dateOf(madeAt), servers, keys })),
  };
}

/** What the sheet is known again by comes from the owner seed, which a device does not have. */
function checkOf(owner: OwnerOrSeed, lines: readonly string[]): SheetCheck | null {
  if ('device' in owner) return null;
  return createSheetCheck(secretOf(owner), lines);
}

async function readKeys(client: Client, servers: readonly SheetServer[]): Promise<readonly SheetKey[]> {
  const keys: SheetKey[] = [];
  for (const { name } of await client.listKeys()) {
    const key = await client.showKey(name);
    const { record, context, public: half, purpose, roster, transcriptHash } = key;
    const network = record.network === null ? {} : { network: record.network };
    const form = isHandedOut(key) ? publicForm({ ...context, name, ...network }) : null;
    keys.push({
      name,
      purpose,
      suite: half.suite,
      quorum: `${half.quorum.needed} of ${half.quorum.of}`,
      servers: roster.map(
        ({ serverId, url }) => servers.find(({ xid }) => encodeHex(xid) === encodeHex(serverId))?.name ?? url,
      ),
      transcriptHash,
      recovery: recoveryText(record.policy),
      network: record.network,
      publicForm: form === null ? null : { form: form.form, value: form.value },
    });
  }
  return keys;
}

function sheetObject({ madeAt, servers, keys }: Sheet, out: string | undefined) {
  return { madeAt, servers, keys, out: out ?? null };
}

function empty(): StateError {
  return new StateError('there is nothing to put on a sheet yet', {
    code: 'SHEET_EMPTY',
    hint: 'add your servers first: ckm server add NAME URL',
  });
}
