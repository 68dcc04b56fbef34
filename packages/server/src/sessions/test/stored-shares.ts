import type { ShareRow } from '../../storage/storage.js';
import { openRecord } from '../../vault/sealed-record.js';
import type { KeySecrets } from '../keys/stored/read-key.js';
import type { BareServer } from './bare-server.js';

/** A share that lies at a server; secret outside of tests. */
export interface StoredShare {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly share: Uint8Array;
}

const MOST = 100;

/** Every share that a server could open now, of whatever epoch: what its thief would have. */
export async function storedShares({ context }: BareServer): Promise<readonly StoredShare[]> {
  const { storage, epochKeys } = context;
  const rows = await storage.read(({ shares }) => shares.listAll(null, MOST));
  return rows.filter((row) => epochKeys.exists(row)).flatMap((row) => open(epochKeys.find(row), row));
}

function open(
  vault: ReturnType<BareServer['context']['epochKeys']['find']>,
  row: ShareRow,
): readonly StoredShare[] {
  const { share } = openRecord<KeySecrets>(vault, 'shares', row);
  vault.wipe();
  const { owner, keyId, epoch } = row;
  return share === null ? [] : [{ owner, keyId, epoch, share }];
}
