import type { StorageError } from '@ckm/foundation';
import { decodeData, encodeData } from '@ckm/gordian';
import { z } from 'zod';
import { storageError } from '../../storage/codes.js';
import type { Reader, Storage, Transaction } from '../../storage/storage.js';
import type { Vault } from '../../vault/vault.js';

/** The row of `meta` that says how a database stands to a move. */
export const PLACE = 'place';

const id = z.string().regex(/^[0-9a-f]{32}$/);
const schema = z.discriminatedUnion('state', [
  /** Its server runs on it. Also what has no such row. */
  z.strictObject({ state: z.literal('here') }),
  /** A copy that is being made of the database with this id. */
  z.strictObject({ state: z.literal('arriving'), from: id }),
  /** What was in it is in the database with that id, in words `where`, since then (UnixSeconds). */
  z.strictObject({ state: z.literal('gone'), to: id, where: z.string(), at: z.int().min(0) }),
]);
/** How a database stands to a move: its server runs on it, it is a copy under way, or its content has gone elsewhere. */
export type Place = z.infer<typeof schema>;

/** @throws StorageError `ROW_TAMPERED` */
export async function readPlace({ meta }: Pick<Reader, 'meta'>, vault: Vault): Promise<Place> {
  const row = await meta.find(PLACE);
  return row === null ? { state: 'here' } : schema.parse(decodeData(vault.openRow('meta', row)));
}

/** @throws StorageError `STORAGE_…` */
export async function putPlace(
  { meta }: Pick<Transaction, 'meta'>,
  vault: Vault,
  place: Place,
): Promise<void> {
  await meta.put(vault.sealRow('meta', { name: PLACE }, encodeData(place)));
}

/**
 * Refuses a database that is not the one its server runs on: one that was moved away, and one to which a move was not finished.
 * @throws StorageError `STORAGE_MOVED`, `STORAGE_MOVE_BEGUN`
 */
export async function assertHere(storage: Pick<Storage, 'read'>, vault: Vault): Promise<void> {
  const place = await storage.read((reader) => readPlace(reader, vault));
  if (place.state !== 'here') throw notHere(place);
}

/** What a server says that is started on it. */
export function notHere(place: Exclude<Place, { state: 'here' }>): StorageError {
  if (place.state === 'arriving') {
    return storageError(
      'STORAGE_MOVE_BEGUN',
      'this database is a copy that was not finished: the server was being moved here',
      'do the same move again, which finishes it; or start the server where it was',
    );
  }
  return storageError(
    'STORAGE_MOVED',
    `the data of this server was moved from here to ${place.where}`,
    'start the server there; where that is refused, do the move again: it finishes what is left of it',
  );
}
