import { equalBytes, StorageError } from '@ckm/foundation';
import { taggedHash } from '@ckm/threshold';
import type { AuditHeadRow, AuditRow, Reader, Storage, Transaction } from '../storage/storage.js';
import type { Vault } from '../vault/vault.js';
import {
  type AuditAnchor,
  type AuditGap,
  type AuditLine,
  type AuditLog,
  type AuditVerification,
  ROLLBACK,
} from './audit.js';
import { encodeContent, parseContent } from './entry.js';
import { createLogMemory } from './log-memory.js';

/** What the first entry follows. */
export const START = new Uint8Array(32);
const PAGE = 500;

/** Source: a hash chain as in RFC 6962's motivation, without the tree: one writer, read from end to end. */
function chainHash(previous: Uint8Array, sequence: number, plaintext: Uint8Array): Uint8Array {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(sequence));
  return taggedHash('CKM/audit/row/v1', previous, number, plaintext);
}

/** The audit log over a vault: rows and head are sealed, so that only this server can have written them. */
export function createAuditLog(sources: {
  readonly vault: Vault;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
  /** Is told of each entry that a commit has made the end of the log, before anything of it is answered. Must not throw. */
  readonly committed?: (line: AuditLine) => void;
  /** Is told of each entry in its transaction, and may write what belongs to it. */
  readonly appended?: (transaction: Transaction, line: AuditLine) => Promise<void>;
}): AuditLog {
  const { vault, clock, random, committed, appended } = sources;
  const memory = createLogMemory();
  return {
    append: async (transaction, entry) => {
      const { audit, whenCommitted } = transaction;
      const head = await audit.holdHead();
      if (head !== null) assertHead(vault, head);
      await memory.follow(audit, head);
      const sequence = (head?.sequence ?? 0) + 1;
      const previous = head?.hash ?? START;
      const at = clock();
      const plaintext = encodeContent(entry, at, random(16));
      const hash = chainHash(previous, sequence, plaintext);
      const row = vault.sealRow('audit', { sequence, previous, hash }, plaintext);
      await audit.append(row, vault.sealRow('audit_head', { sequence, hash }, hash));
      memory.made({ sequence, hash });
      const line = { ...entry, at, sequence, hash };
      whenCommitted(() => {
        memory.note({ sequence, hash });
        committed?.(line);
      });
      await appended?.(transaction, line);
    },
    list: async (reader: Reader, sequence, limit) => {
      const rows = await reader.audit.list(sequence, limit);
      return rows.map((row): AuditLine => {
        const { salt: _salt, ...entry } = parseContent(vault.openRow('audit', row));
        return { ...entry, sequence: row.sequence, hash: row.hash };
      });
    },
    verify: (storage, anchor = null) => verifyChain(storage, vault, anchor),
    look: async ({ audit }) => {
      const head = await audit.head();
      if (head !== null) assertHead(vault, head);
      await memory.follow(audit, head);
    },
    seen: memory.seen,
    hasGoneBack: memory.hasGoneBack,
  };
}

function assertHead(vault: Vault, head: AuditHeadRow): void {
  if (equalBytes(vault.openRow('audit_head', head), head.hash)) return;
  throw new StorageError('the head of the audit log is not what this server stored', {
    code: 'AUDIT_HEAD_WRONG',
    hint: 'stop the server, keep a copy of the database, then check the audit log',
    remedy: { kind: 'verifyAudit' },
  });
}

async function verifyChain(
  storage: Storage,
  vault: Vault,
  anchor: AuditAnchor | null,
): Promise<AuditVerification> {
  const head = await storage.read(({ audit }) => audit.head());
  let previous: Uint8Array = START;
  let sequence = 0;
  const gaps: AuditGap[] = [];
  const broken = (why: string): AuditVerification => ({
    ok: false,
    entries: sequence,
    brokenAt: sequence + 1,
    why,
  });
  const goal = head?.sequence ?? 0;
  let anchorFault =
    anchor === null || anchor.sequence <= goal ? null : 'entries that were there before are missing';
  while (sequence < goal) {
    const rows = await storage.read(({ audit }) => audit.list(sequence + 1, PAGE));
    if (rows.length === 0) return broken('entries at the end are missing');
    for (const row of rows.slice(0, goal - sequence)) {
      const why = faultOf(row, sequence + 1, previous, vault);
      if (why !== null) return broken(why);
      gaps.push(...gapIn(row, vault));
      previous = row.hash;
      sequence++;
      if (anchor?.sequence === sequence && !equalBytes(anchor.hash, row.hash))
        anchorFault = 'the log was exchanged';
    }
  }
  if (head !== null && !equalBytes(head.hash, previous))
    return broken('the head is not that of the last entry');
  const why = anchorFault ?? (await faultOfEnd(storage, vault, head));
  return why === null ? { ok: true, entries: sequence, head: previous, gaps } : broken(why);
}

/** Most entries are none: only those are read that hold the word. */
function gapIn(row: AuditRow, vault: Vault): readonly AuditGap[] {
  const plaintext = vault.openRow('audit', row);
  if (!Buffer.from(plaintext).includes(ROLLBACK)) return [];
  const { deed, at, detail } = parseContent(plaintext);
  return deed === ROLLBACK ? [{ sequence: row.sequence, at, detail }] : [];
}

/** What is wrong with an entry behind `previous`, in words; null: nothing. */
export function faultOf(row: AuditRow, sequence: number, previous: Uint8Array, vault: Vault): string | null {
  if (row.sequence !== sequence) return 'an entry is missing';
  if (!equalBytes(row.previous, previous)) return 'the entry does not follow the one before it';
  const plaintext = opened(() => vault.openRow('audit', row));
  if (plaintext === null) return 'the entry was changed';
  return equalBytes(chainHash(previous, sequence, plaintext), row.hash)
    ? null
    : 'the entry does not match its hash';
}

async function faultOfEnd(
  storage: Storage,
  vault: Vault,
  walked: AuditHeadRow | null,
): Promise<string | null> {
  const goal = walked?.sequence ?? 0;
  const [head, [next]] = await storage.read(
    async ({ audit }) => [await audit.head(), await audit.list(goal + 1, 1)] as const,
  );
  // While we walked, others may have gone on: then the head has moved with them.
  if (next !== undefined && (head?.sequence ?? 0) === goal) return 'there are entries behind the head';
  if (walked === null) return null;
  const sealed = opened(() => vault.openRow('audit_head', walked));
  return sealed !== null && equalBytes(sealed, walked.hash) ? null : 'the head was changed';
}

function opened(open: () => Uint8Array): Uint8Array | null {
  try {
    return open();
  } catch {
    return null;
  }
}
