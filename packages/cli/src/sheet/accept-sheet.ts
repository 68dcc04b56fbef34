import type { Secret } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { likenessLine } from '../terminal/likeness.js';
import { confirm } from '../terminal/prompt.js';
import { cancelled } from '../terminal/seat.js';
import { formatTable } from '../terminal/table.js';
import { checkSheet } from './sheet-check.js';
import type { ReadSheet } from './sheet.js';

/** What is taken of a recovery sheet. */
export type AcceptedSheet = Pick<ReadSheet, 'servers' | 'keys'>;

/**
 * Makes sure that the owner wants the servers of a sheet: one that this seed has made is taken, one that anybody can have
 * written is asked about, every other one is refused. What one without a check says of keys is not taken: names and networks
 * that somebody has exchanged would pass for the owner's own.
 * @throws EncodingError `SHEET_OF_ANOTHER_SEED`, `SHEET_CHANGED`; UsageError `INPUT_NEEDED`; StateError `CANCELLED_BY_PERSON`
 */
export async function acceptSheet(
  { terminal, flags }: Context,
  seed: Secret<Uint8Array>,
  sheet: ReadSheet,
): Promise<AcceptedSheet> {
  const { madeOn, servers } = sheet;
  if (checkSheet(seed, sheet) === 'good') {
    terminal.talk(`the sheet is one of yours${madeOn === null ? '' : `, made on ${madeOn}`}`);
    return sheet;
  }
  const rows = servers.map(({ name, url, xid }) => [name, url, likenessLine(xid)]);
  terminal.warn(
    `ckm: warning: the sheet has no check: anybody can have written it. It names these servers:\n${formatTable(rows, '  ')}\n  what it says of keys is not taken: ckm key fetch asks for their names`,
  );
  const accepted = { servers, keys: [] };
  if (flags.yes === true || flags.preview === true) return accepted;
  if (!(await confirm(terminal, 'Are all of these your servers, each with the likeness that you know?')))
    throw cancelled();
  return accepted;
}
