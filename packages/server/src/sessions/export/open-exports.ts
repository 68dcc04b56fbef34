import { type ExportProposal, exportProposal, type Result } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import { hashExport } from '@ckm/threshold';
import type { ServerContext } from '../../context.js';
import type { Reader, SessionRow } from '../../storage/storage.js';
import { openSessionToShow, type SessionRecord } from '../session/session-record.js';

type OpenExport = NonNullable<Result<'key.show'>['key']['exports']>[number];

/** Exports that go on for an account, by the hex id of their key: every device of the owner is shown what one of them began. */
export type OpenExports = ReadonlyMap<string, readonly OpenExport[]>;

/** Of one key in one answer. */
const MOST_SHOWN = 32;

export async function readOpenExports(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
): Promise<OpenExports> {
  const found = new Map<string, OpenExport[]>();
  for (const { row, record, proposal } of await listOpen(context, reader, owner)) {
    const name = encodeHex(row.keyId);
    found.set(name, [...(found.get(name) ?? []), view(context, row, record, proposal)].slice(0, MOST_SHOWN));
  }
  return found;
}

/** The one of a key; null: none goes on. */
export async function findOpenExport(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  keyId: Uint8Array,
): Promise<SessionRow | null> {
  const all = await listOpen(context, reader, owner);
  return all.find(({ row }) => equalBytes(row.keyId, keyId))?.row ?? null;
}

/** Every one that goes on for an account. */
export async function listOpen(context: ServerContext, reader: Reader, owner: Uint8Array) {
  const rows = await reader.sessions.listOpen(owner, context.config.quota.openSessions);
  return rows.flatMap((row) => {
    if (row.expiresAt <= context.clock()) return [];
    const record = recordOf(context, row);
    const proposal = record === null ? null : (exportProposal.safeParse(record.proposal).data ?? null);
    return record === null || proposal === null ? [] : [{ row, record, proposal }];
  });
}

/** Null: it is not what this server stored, which its operator is told. */
function recordOf(context: ServerContext, row: SessionRow): SessionRecord | null {
  try {
    return openSessionToShow(context, row).record;
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    context.events.storageFailed(error);
    return null;
  }
}

function view(
  { clock }: Pick<ServerContext, 'clock'>,
  { sessionId, expiresAt }: SessionRow,
  { operator, waiting = null }: SessionRecord,
  proposal: ExportProposal,
): OpenExport {
  const left = waiting === null ? 0 : waiting.needed - waiting.counted;
  return {
    sessionId,
    orderHash: hashExport(proposal, proposal),
    asked: operator === 'asked' && waiting !== null,
    readyAt: left > 0 ? clock() + left : null,
    expiresAt,
  };
}
