import { importProposal, type ImportProposal } from '@ckm/api';
import type { BitcoinNetwork } from '@ckm/requests';
import { type SessionRecord, sessionPath } from '../../sessions/session-record.js';
import { corrupt } from '../../store/record-reader.js';

/** What a session that takes over a key holds besides what all hold. Nothing secret: the key is in no record. */
export interface ImportRecord {
  readonly proposal: ImportProposal;
  /** Whose addresses are shown; null for other purposes. */
  readonly network: BitcoinNetwork | null;
}

/** @throws StorageError `STORE_CORRUPT` */
export function readImport({ sessionId, proposal, notes }: SessionRecord): ImportRecord {
  const parsed = importProposal.safeParse(proposal);
  const network = (notes as { readonly network?: unknown } | null)?.network ?? null;
  const isNetwork = network === null || typeof network === 'string';
  if (!parsed.success || !isNetwork) throw corrupt(sessionPath(sessionId));
  return { proposal: parsed.data, network: network as BitcoinNetwork | null };
}
