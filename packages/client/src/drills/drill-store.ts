import type { ClientContext } from '../context/context.js';
import { KEY_FOLDER, parseListedKey } from '../keys/key-record.js';
import { parseRequest, REQUEST_FOLDER } from '../requests/request-record.js';
import { parseSession, SESSION_FOLDER } from '../sessions/session-record.js';
import { parsePool, POOL_FOLDER } from '../signing/crafts/commitment-pool.js';
import type { RecordStore } from '../store/record-store.js';

const FOLDERS = [
  [KEY_FOLDER, parseListedKey],
  [SESSION_FOLDER, parseSession],
  [REQUEST_FOLDER, parseRequest],
  [POOL_FOLDER, parsePool],
] as const;
const APART: readonly string[] = FOLDERS.map(([folder]) => folder);
const PREFIX = 'drill';

/** What a drill leaves lies in folders of its own, and what reads it, by the path that it really has: a diagnosis looks there too. */
export const DRILL_RECORDS = FOLDERS.map(
  ([folder, parse]) =>
    [
      `${PREFIX}${folder}`,
      (path: string, bytes: Uint8Array) => void parse(path.slice(PREFIX.length), bytes),
    ] as const,
);

/**
 * The same client with other places for keys, sessions, requests and commitments. Whatever is done in it does not exist for anything
 * else: the key of a drill is never listed, shown, offered, signed with, exported or counted as one of its owner's.
 */
export function besideKeys(context: ClientContext): ClientContext {
  return { ...context, store: apart(context.store) };
}

function apart(store: RecordStore): RecordStore {
  const isApart = (path: string) => APART.includes(path.split('/')[0]!);
  const placed = (path: string) => (isApart(path) ? `${PREFIX}${path}` : path);
  return {
    get: (path) => store.get(placed(path)),
    put: (path, bytes) => store.put(placed(path), bytes),
    delete: (path) => store.delete(placed(path)),
    list: async (folder) => {
      const found = await store.list(placed(folder));
      return isApart(folder) ? found.map((path) => path.slice(PREFIX.length)) : found;
    },
    exclusive: (name, work) => store.exclusive(name, work),
    leaveOut: (path, error) => store.leaveOut(placed(path), error),
    passOver: (path, error) => store.passOver(placed(path), error),
  };
}
