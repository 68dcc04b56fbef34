import { statfs } from 'node:fs/promises';
import type { Gauges } from '../events.js';
import type { OpenServer } from './open-server.js';

/** What the gauges of a server are read from, whenever somebody asks. */
export interface GaugeSources {
  readonly dataDir: string;
  isSealed(): boolean;
  /** Null while the server is not open. */
  server(): OpenServer | null;
  /** When the TLS certificate in use ends; null without TLS. UnixSeconds. */
  certificateEnds(): number | null;
}

/** Counting takes the database as long as there are keys: however often somebody asks, not more often than this. */
const COUNT_EVERY_MS = 5_000;

/** Whether a server can work, and whether its operator has something to do, as numbers of this moment. */
export function registerGauges({ add }: Gauges, sources: GaugeSources): void {
  const { dataDir, isSealed, server, certificateEnds } = sources;
  const count = remembered(async ({ context, sessions, backups }: OpenServer) => {
    const { accounts, keys, matters, outbox } = await context.storage.read(async (reader) => ({
      accounts: await reader.accounts.count(),
      keys: await reader.keys.countAll(),
      matters: await reader.matters.countWaiting(null),
      outbox: {
        waiting: await reader.outbox.countAll('waiting'),
        failed: await reader.outbox.countAll('failed'),
        oldest: await reader.outbox.oldestWaiting(),
      },
    }));
    const [requests, ceremonies] = [await sessions.desk.count(), await sessions.sessionDesk.count()];
    const [lastBackupAt, backupsLeft] = [await backups.lastAt(), await backups.countLeft()];
    return { accounts, keys, matters, outbox, requests, ceremonies, lastBackupAt, backupsLeft };
  }, COUNT_EVERY_MS);
  const counted = async () => {
    const open = server();
    return open === null ? null : count(open);
  };
  add('sealed', 'Whether the server waits for its passphrase', () => (isSealed() ? 1 : 0));
  add('requests_waiting', 'Requests that wait for the operator', async () => (await counted())?.requests);
  add(
    'matters_waiting',
    'What people are asked about by the terms of keys',
    async () => (await counted())?.matters,
  );
  add('sessions_waiting', 'Ceremonies that wait for the operator', async () => (await counted())?.ceremonies);
  add('keys', 'Keys this server has a share of', async () => (await counted())?.keys);
  add('accounts', 'Accounts, suspended ones too', async () => (await counted())?.accounts);
  add('outbox_waiting', 'What waits to go out to people', async () => (await counted())?.outbox.waiting);
  add(
    'outbox_failed',
    'What was given up on its way to people',
    async () => (await counted())?.outbox.failed,
  );
  add(
    'outbox_oldest_timestamp_seconds',
    'When the oldest that waits to go out was made, in seconds since 1970',
    async () => (await counted())?.outbox.oldest,
  );
  add(
    'last_backup_timestamp_seconds',
    'When the last good backup was made, in seconds since 1970',
    async () => (await counted())?.lastBackupAt,
  );
  add(
    'backups_left',
    'Backups with the keys of epochs that the operator has not said to be destroyed',
    async () => (await counted())?.backupsLeft ?? undefined,
  );
  add(
    'clock_jump_seconds',
    'By how much the clock of the machine has jumped since the start, in seconds; below 0: back',
    () => server()?.clockJump(),
  );
  add('data_free_bytes', 'Free space where the data directory is', async () => {
    const { bavail, bsize } = await statfs(dataDir);
    return bavail * bsize;
  });
  add(
    'tls_certificate_expiry_seconds',
    'When the TLS certificate ends, in seconds since 1970',
    certificateEnds,
  );
}

/** Answers what it was answered last, while that is not older than `forMs`. */
function remembered<A, T>(read: (from: A) => Promise<T>, forMs: number): (from: A) => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | null = null;
  return (from) => {
    const now = performance.now();
    if (last === null || now - last.at > forMs) last = { at: now, value: read(from) };
    return last.value;
  };
}
