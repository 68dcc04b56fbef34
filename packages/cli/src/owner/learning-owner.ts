import type { Client } from '@ckm/client';
import { reveal, secret, wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { lockKeeper } from '../keeper/keeper-socket.js';
import { openOwner } from './open-owner.js';
import { openDeviceFileWith, writeDevice } from './owner-device.js';
import { speaksAsDevice } from './unlock-owner.js';

/** The owner's client, where a device may learn of a server: its file is written anew then, under the passphrase that opened it. */
export async function openLearningOwner(context: Context): Promise<Client> {
  if (!(await speaksAsDevice(context))) return openOwner(context);
  const { home } = context;
  const { device, passphrase } = await openDeviceFileWith(context, (opened, typed) => ({
    device: opened,
    passphrase: secret(reveal(typed, 'keeping it for the file that is written anew').slice()),
  }));
  context.onEnd(() => wipe(passphrase));
  return openOwner(context, { device }, undefined, async (next) => {
    await writeDevice(home, next, 'ready', passphrase);
    // What a process keeps open is the device as it was before.
    await lockKeeper(home);
  });
}
