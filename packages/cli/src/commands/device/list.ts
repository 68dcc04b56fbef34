import type { Devices } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { deviceNotes, deviceRow } from '../../owner/device-words.js';
import { openOwner } from '../../owner/open-owner.js';
import { formatTable } from '../../terminal/table.js';

/** `ckm device list` */
export function deviceListCommand(): Command {
  return leaf('list', 'your devices, what each may do, and which server does not know').action(run(list));
}

function nobodyText({ areWordsHere }: Devices): string {
  return areWordsHere ? 'no devices: the words speak for you' : 'no server says which devices there are';
}

async function list(context: Context): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const found = await client.listDevices();
  const rows = found.devices.map(deviceRow);
  terminal.result(rows.length === 0 ? nobodyText(found) : formatTable(rows), found);
  for (const note of deviceNotes(found)) terminal.warn(`  ${note}`);
  // A program that looks is nobody who would notice a device that should not be there.
  if (!terminal.json && flags.preview !== true) await client.seeDevices(found);
}
