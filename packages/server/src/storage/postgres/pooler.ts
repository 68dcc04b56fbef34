import type { Client } from 'pg';
import { type StorageCode, storageError } from '../codes.js';

/** How long a second session is waited for: a pooler with a single one gives it out only when it is free. */
const PATIENCE_MS = 3_000;

/**
 * Makes sure that each connection has a session of its own, with the settings that it asked for: a statement is prepared
 * on one session and run on it, and a commit is durable because its session says so. A pooler that hands sessions on
 * after each transaction breaks the first, one that drops start parameters the second.
 * @param connect opens one more connection; both are closed here
 * @param settings that every session was started with, as `show` prints them
 * @throws StorageError `STORAGE_POOLED`, `STORAGE_SETTINGS_LOST`
 */
export async function assertOwnSessions(
  connect: () => Promise<Client>,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const first = await connect();
  let second: Client | null = null;
  try {
    await assertSettings(first, settings);
    second = await connect();
    const before = await backendOf(first);
    // While this transaction is open, a shared session that it has taken is not the other's any more.
    await second.query('begin');
    await backendOf(second);
    if ((await withPatience(backendOf(first))) !== before) throw pooled();
  } finally {
    await Promise.allSettled([first.end(), second?.end()]);
  }
}

async function assertSettings(client: Client, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, wanted] of Object.entries(settings)) {
    const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [name]);
    if (rows[0]?.value !== wanted) throw settingLost(name, wanted);
  }
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]!.pid;
}

/** Null when it takes too long. */
async function withPatience(asked: Promise<number>): Promise<number | null> {
  let alarm: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => {
    alarm = setTimeout(() => resolve(null), PATIENCE_MS);
  });
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, silence]);
  } finally {
    clearTimeout(alarm);
  }
}

function pooled(): Error {
  return storageError(
    'STORAGE_POOLED' satisfies StorageCode,
    'the database is reached through a pooler that hands sessions on after each transaction',
    'point CKM_DATABASE_URL at PostgreSQL itself, or set pool_mode = session for this database',
  );
}

function settingLost(name: string, wanted: string): Error {
  return storageError(
    'STORAGE_SETTINGS_LOST' satisfies StorageCode,
    `the database did not take over the setting ${name} = ${wanted}`,
    'point CKM_DATABASE_URL at PostgreSQL itself: a pooler in between drops start parameters',
  );
}
