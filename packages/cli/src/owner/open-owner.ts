import type { OnUnreadable } from '@ckm/client';
import { type Client, type ClientOptions, createClient, fileStore, type SeedSource } from '@ckm/client/node';
import { join } from 'node:path';
import type { Context } from '../command-line/context.js';
import { endQuiet } from '../terminal/quiet-input.js';
import { plainText } from '../terminal/plain-text.js';
import { requireInitialised } from '../home/home.js';
import { assertJoined } from './owner-device.js';
import { unlockOwner } from './unlock-owner.js';

/**
 * The owner's client over the files of the home folder. The passphrase is asked for when a server is first spoken to, or
 * when the first stored record is read: records are checked under the seed. Closed when the command ends.
 * @param onUnreadable is told of records that are left out, as the person is
 * @param keepDevice where a device may learn of a server
 * @throws StateError `HOME_NOT_INITIALISED`, `DEVICE_NOT_JOINED`
 */
export async function openOwner(
  context: Context,
  seed: SeedSource = () => unlockOwner(context),
  onUnreadable?: OnUnreadable,
  keepDevice?: ClientOptions['keepDevice'],
): Promise<Client> {
  await requireInitialised(context.home);
  // Whoever brings the owner along knows how far it is.
  if (typeof seed === 'function') await assertJoined(context.home);
  const client = createClient({
    seed,
    store: fileStore(context.home.store),
    ...(keepDevice === undefined ? {} : { keepDevice }),
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
  const owner = await unlockOwner(context);
  endQuiet().fill(0);
  return openOwner(context, owner);
}

/** Where a path of the store lies on disk, for people. */
export function inStore(context: Context, path: string): string {
  return join(context.home.store, path);
}
