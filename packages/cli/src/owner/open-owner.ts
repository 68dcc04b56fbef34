import type { OnUnreadable } from '@ckm/client';
import { type Client, createClient, fileStore, type SeedSource } from '@ckm/client/node';
import { join } from 'node:path';
import type { Context } from '../command-line/context.js';
import { endQuiet } from '../terminal/quiet-input.js';
import { plainText } from '../terminal/plain-text.js';
import { requireInitialised } from '../home/home.js';
import { unlockSeed } from './owner-seed.js';

/**
 * The owner's client over the files of the home folder. The passphrase is asked for when a server is first spoken to, or
 * when the first stored record is read: records are checked under the seed. Closed when the command ends.
 * @param onUnreadable is told of records that are left out, as the person is
 * @throws StateError `HOME_NOT_INITIALISED`
 */
export async function openOwner(
  context: Context,
  seed: SeedSource = () => unlockSeed(context),
  onUnreadable?: OnUnreadable,
): Promise<Client> {
  await requireInitialised(context.home);
  const client = createClient({
    seed,
    store: fileStore(context.home.store),
    timeoutMs: context.timeoutMs,
    onUnreadable: (record) => {
      const { message, code } = record.error;
      context.terminal.warn(plainText(`left out: ${message} (${code})`));
      onUnreadable?.(record);
    },
  });
  context.onEnd(() => client.close());
  return client;
}

/** The same for programs that go on by themselves: the passphrase is asked for now, while somebody looks. */
export async function openOwnerNow(context: Context): Promise<Client> {
  const seed = await unlockSeed(context);
  endQuiet().fill(0);
  return openOwner(context, seed);
}

/** Where a path of the store lies on disk, for people. */
export function inStore(context: Context, path: string): string {
  return join(context.home.store, path);
}
