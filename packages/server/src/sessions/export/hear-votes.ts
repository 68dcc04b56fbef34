import { equalBytes } from '@ckm/foundation';
import type { MatterName } from '../../storage/storage.js';
import type { SessionMeans } from '../session/session-revise.js';
import { countAt } from '../session/waiting-sweep.js';
import { listOpen } from './open-exports.js';
import { hashExport } from '@ckm/threshold';

/** Somebody has said something of an export: it begins, or is over, by that. */
export async function hearExportVotes(server: SessionMeans, { owner, matterId }: MatterName): Promise<void> {
  const { context, counting } = server;
  const open = await context.storage.read((reader) => listOpen(context, reader, owner));
  for (const { row, proposal } of open)
    if (equalBytes(hashExport(proposal, proposal), matterId)) await countAt(server, row, counting());
}
