import { AvailabilityError } from '@ckm/foundation';
import type { Client } from 'pg';
import type { StorageCode } from '../codes.js';

/** Holds the lock that says "this instance lives", on a connection of its own. */
export interface Liveness {
  /** @throws AvailabilityError `STORAGE_LOCK_LOST` while there is no lock. */
  instance(): Uint8Array;
  close(): Promise<void>;
}

export interface LivenessOptions {
  /** A fresh, connected client, used for nothing else. */
  connect(): Promise<Client>;
  readonly random: (length: number) => Uint8Array;
  readonly retryMs: number;
  /** After a lost lock was replaced by one with another name. */
  onRegained(): void;
}

/**
 * The lock is taken on 64 of the 128 bits of a random name. When the connection is lost the name is given up for ever:
 * a database that came back may be a copy whose nonce rows were consumed on the original, and rows of a dead name are void.
 */
export async function holdLiveness(options: LivenessOptions): Promise<Liveness> {
  let held: { readonly client: Client; readonly name: Uint8Array } | null = null;
  let retry: NodeJS.Timeout | null = null;
  let closed = false;

  async function take(): Promise<void> {
    const client = await options.connect();
    const name = options.random(16);
    const lost = () => {
      if (held?.client !== client) return;
      held = null;
      void client.end().catch(() => undefined);
      again();
    };
    client.on('error', lost);
    client.on('end', lost);
    const number = new DataView(name.buffer, name.byteOffset).getBigInt64(0);
    try {
      await client.query('select pg_advisory_lock($1::bigint)', [number.toString()]);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    held = { client, name };
  }

  function again(): void {
    if (closed) return;
    retry = setTimeout(() => {
      take().then(options.onRegained, again);
    }, options.retryMs);
    retry.unref();
  }

  await take();
  return {
    instance: () => {
      if (held === null) throw lockLost();
      return held.name;
    },
    close: async () => {
      closed = true;
      if (retry !== null) clearTimeout(retry);
      const last = held;
      held = null;
      await last?.client.end().catch(() => undefined);
    },
  };
}

function lockLost(): AvailabilityError {
  return new AvailabilityError('the server lost its connection to the database', {
    code: 'STORAGE_LOCK_LOST' satisfies StorageCode,
    hint: 'try again in a moment',
  });
}
