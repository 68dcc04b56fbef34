import { type VoteMatter, voteMatter } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { type Data, encodeData } from '@ckm/gordian';
import { corrupt, readRecord } from '../store/record-reader.js';
import { listRecords, type RecordStore } from '../store/record-store.js';

const VERDICTS = ['yes', 'no', 'takeBack'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What an approver has said in one matter: on record before any server hears of it, so that no serial is given twice. */
export interface Said {
  readonly keyId: Uint8Array;
  readonly matter: VoteMatter;
  readonly matterId: Uint8Array;
  readonly verdict: Verdict;
  /** Of the last statement. */
  readonly serial: number;
  /** The statements, signed: one, or one for each content where servers show several and the answer was no. */
  readonly votes: readonly SaidVote[];
  /** What was read; empty: nothing could be. */
  readonly sentence: string;
  /** UnixSeconds */
  readonly at: number;
  /** UnixSeconds: it counts until then. */
  readonly expiresAt: number;
}

export interface SaidVote {
  readonly bytes: Uint8Array;
  /** XIDs of the servers that it is for. */
  readonly to: readonly Uint8Array[];
  /** Those among them that have not taken it. */
  readonly left: readonly Uint8Array[];
}

const FOLDER = 'said';

function saidPath({ keyId, matterId }: Pick<Said, 'keyId' | 'matterId'>): string {
  return `${FOLDER}/${encodeHex(keyId)}/${encodeHex(matterId)}`;
}

export async function saveSaid(store: RecordStore, said: Said): Promise<void> {
  const votes = said.votes.map(({ bytes, to, left }) => ({ bytes, to: [...to], left: [...left] }));
  await store.put(saidPath(said), encodeData({ version: 1, ...said, votes }));
}

/** Null: nothing. @throws StorageError `STORE_CORRUPT` */
export async function readSaid(
  store: RecordStore,
  of: Pick<Said, 'keyId' | 'matterId'>,
): Promise<Said | null> {
  const path = saidPath(of);
  const bytes = await store.get(path);
  return bytes === null ? null : parseSaid(path, bytes);
}

/** The same of one matter: something else may be asked under its id. */
export async function saidIn(
  store: RecordStore,
  of: Pick<Said, 'keyId' | 'matter' | 'matterId'>,
): Promise<Said | null> {
  const said = await readSaid(store, of);
  return said?.matter === of.matter ? said : null;
}

async function listSaid(store: RecordStore): Promise<Said[]> {
  return listRecords(store, FOLDER, parseSaid);
}

/** Votes that have expired count nowhere any more; of those that have not, a serial must not be given again. */
export async function forgetExpired(store: RecordStore, now: number): Promise<void> {
  for (const said of await listSaid(store)) if (said.expiresAt < now) await store.delete(saidPath(said));
}

/** @throws StorageError `STORE_CORRUPT` */
function parseSaid(path: string, bytes: Uint8Array): Said {
  const record = readRecord(path, bytes);
  const [keyId, matterId] = [record.bytes('keyId', 32), record.bytes('matterId', 32)];
  const matter = voteMatter.safeParse(record.text('matter'));
  const verdict = VERDICTS.find((one) => one === record.text('verdict'));
  if (saidPath({ keyId, matterId }) !== path || !matter.success || verdict === undefined) throw corrupt(path);
  return {
    keyId,
    matter: matter.data,
    matterId,
    verdict,
    serial: record.integer('serial'),
    votes: record.records('votes').map((one) => ({
      bytes: one.bytes('bytes'),
      to: xidsIn(path, one.list('to')),
      left: xidsIn(path, one.list('left')),
    })),
    sentence: record.text('sentence'),
    at: record.integer('at'),
    expiresAt: record.integer('expiresAt'),
  };
}

function xidsIn(path: string, list: readonly Data[]): readonly Uint8Array[] {
  return list.map((xid) => {
    if (xid instanceof Uint8Array && xid.length === 32) return xid;
    throw corrupt(path);
  });
}
