import { encodeHex } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import type { RecordStore } from '../store/record-store.js';

/** What a server did, as this client saw it. */
export interface Evidence {
  readonly code: string;
  /** The session or request it happened in. */
  readonly sessionId: Uint8Array;
  readonly serverId: Uint8Array;
  /** UnixSeconds */
  readonly at: number;
  /**
   * `anybody`: the exhibits carry the server's own signatures and can be checked without trusting whoever shows them.
   * `owner`: they do not, so the owner could have made them up; they are for his own eyes.
   */
  readonly convinces: 'anybody' | 'owner';
  /** The bytes that show it: packets, packages, shares. */
  readonly exhibits: Data;
}

export const EVIDENCE_FOLDER = 'evidence';

/** Keeps it under a path that is returned. Kept once: the same fault of the same server in the same session. */
export async function saveEvidence(store: RecordStore, evidence: Evidence): Promise<string> {
  const { sessionId, serverId, code } = evidence;
  const who = encodeHex(serverId).slice(0, 8);
  const path = `${EVIDENCE_FOLDER}/${encodeHex(sessionId).slice(0, 16)}-${who}-${code.toLowerCase().replaceAll('_', '-')}`;
  const { at, convinces, exhibits } = evidence;
  await store.put(path, encodeData({ version: 1, code, sessionId, serverId, at, convinces, exhibits }));
  return path;
}
