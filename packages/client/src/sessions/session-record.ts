import { proposal as anyProposal, type Proposal } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import { readTrack, type Track } from '../store/track.js';

/** A ceremony, as far as it has come. Holds nothing secret: what servers tell one another alone travels sealed. */
export interface SessionRecord extends Track {
  /** 32 bytes */
  readonly sessionId: Uint8Array;
  /** What servers are asked to take part in; its kind names the ceremony. */
  readonly proposal: Proposal;
  /** What the ceremony remembers and tells no server. */
  readonly notes: Data;
  /** In order of slots. */
  readonly servers: readonly { readonly name: string; readonly xid: Uint8Array }[];
  /** As agreed on, once every offer was checked; never changed afterwards. */
  readonly parameters: Uint8Array | null;
  /** The first packet each server gave for each place, checked, in the order of their rounds. */
  readonly packets: readonly Uint8Array[];
}

export const SESSION_FOLDER = 'sessions';

export function sessionPath(sessionId: Uint8Array): string {
  return `${SESSION_FOLDER}/${encodeHex(sessionId)}`;
}

export function encodeSession(record: SessionRecord): Uint8Array {
  return encodeData({ version: 1, ...record });
}

/** @throws StorageError `STORE_CORRUPT` */
export function parseSession(path: string, bytes: Uint8Array): SessionRecord {
  const record = readRecord(path, bytes);
  const sessionId = record.bytes('sessionId', 32);
  const proposal = anyProposal.safeParse(record.value('proposal'));
  if (!proposal.success || sessionPath(sessionId) !== path) throw corrupt(path);
  return {
    sessionId,
    ...readTrack(path, record),
    proposal: proposal.data,
    notes: record.value('notes'),
    servers: record.records('servers').map((one) => ({ name: one.text('name'), xid: one.bytes('xid', 32) })),
    parameters: record.has('parameters') ? record.bytes('parameters') : null,
    packets: record.list('packets').map((one) => {
      if (one instanceof Uint8Array) return one;
      throw corrupt(path);
    }),
  };
}
