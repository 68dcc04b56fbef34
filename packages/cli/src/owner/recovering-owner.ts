import type { Client } from '@ckm/client';
import { reveal, secret, wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { lockKeeper } from '../keeper/keeper-socket.js';
import { deviceHere } from './make-offer.js';
import { openOwner } from './open-owner.js';
import { openDeviceFileWith, writeDevice } from './owner-device.js';

/** The client of a folder whose device is in nowhere yet, or not everywhere: a new device is drawn where there is none. It is kept as one that is in when it is. */
export async function openRecoveringOwner(context: Context): Promise<Client> {
  const { home } = context;
  wipe(await deviceHere(context));
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
