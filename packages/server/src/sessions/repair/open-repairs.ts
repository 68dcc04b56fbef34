import { type Result, repairProposal } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import type { Reader, SessionRow } from '../../storage/storage.js';
import { openSessionToShow } from '../session/session-record.js';

type OpenRepair = NonNullable<Result<'key.show'>['key']['repairs']>[number];

/** Of one key in one answer. */
const MOST_SHOWN = 32;

/** Repairs that go on for an account, by the hex id of their key: every device of the owner is shown what one of them began (L6). */
export type OpenRepairs = ReadonlyMap<string, readonly OpenRepair[]>;

/** @param ownSlot of this server in a key: whose share is lost where it is the target itself; null: it has none */
export async function readOpenRepairs(
  context: ServerContext,
  reader: Reader,
  owner: Uint8Array,
  ownSlot: (keyId: Uint8Array) => number | null,
): Promise<OpenRepairs> {
  const found = new Map<string, OpenRepair[]>();
  for (const row of await reader.sessions.listOpen(owner, context.config.quota.openSessions)) {
    const { keyId, sessionId, expiresAt } = row;
    const proposal = proposalIn(context, row);
    if (proposal === null || expiresAt <= context.clock()) continue;
    const slot = proposal.role === 'helper' ? proposal.slot : ownSlot(keyId);
    if (slot === null) continue;
    const name = encodeHex(keyId);
    found.set(name, [...(found.get(name) ?? []), { sessionId, slot, expiresAt }].slice(0, MOST_SHOWN));
  }
  return found;
}

/** Null: it is no repair, or not what this server stored, which its operator is told. */
function proposalIn(context: ServerContext, row: SessionRow) {
  try {
    const { proposal } = openSessionToShow(context, row).record;
    return repairProposal.safeParse(proposal).data ?? null;
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    context.events.storageFailed(error);
    return null;
  }
}
