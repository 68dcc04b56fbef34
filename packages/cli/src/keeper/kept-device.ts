import { type DeviceHead, devicePrintOf } from '@ckm/client/node';
import { isDevice } from '@ckm/client';
import { equalBytes, type Secret, secret, wipe } from '@ckm/foundation';
import type { Home } from '../home/home.js';
import { askKeeper } from './keeper-socket.js';

/** The device of a folder, if `ckm unlock` keeps it open. Null: nobody does, or what answers keeps something else. */
export async function keptDevice(home: Home, { print }: DeviceHead): Promise<Secret<Uint8Array> | null> {
  const answer = await askKeeper(home, 'seed');
  if (answer === null) return null;
  const device = secret(answer);
  if (isDevice(answer) && equalBytes(devicePrintOf(device), print)) return device;
  wipe(device);
  return null;
}
