import {
  type DeviceHead,
  type DeviceStep,
  isErrno,
  openDevice,
  readDeviceHead,
  sealDevice,
  writeAtomically,
} from '@ckm/client/node';
import { equalBytes, reveal, type Secret, StateError, StorageError, wipe } from '@ckm/foundation';
import { readFile } from 'node:fs/promises';
import type { Context } from '../command-line/context.js';
import { type Home, unusable } from '../home/home.js';
import { keptDevice } from '../keeper/kept-device.js';
import { openWithPassphrase } from '../terminal/passphrase.js';

/** What the device file of a folder says without its passphrase. Null: there is none. @throws StorageError `DEVICE_FILE_CORRUPT`, `HOME_UNUSABLE` */
export async function deviceHead(home: Home): Promise<DeviceHead | null> {
  const file = await readDeviceFile(home);
  return file === null ? null : readDeviceHead(file);
}

/**
 * The open device: from `ckm unlock` where that keeps it, else by asking for the passphrase. The caller wipes it.
 * @param options.evenIfKept asks for the passphrase in any case
 * @throws StateError `DEVICE_NOT_JOINED`
 */
export async function unlockDevice(
  context: Context,
  { evenIfKept = false }: { readonly evenIfKept?: boolean } = {},
): Promise<Secret<Uint8Array>> {
  const { home, flags } = context;
  await assertJoined(home);
  const head = await deviceHead(home);
  const isAsked = evenIfKept || flags.passphraseFile !== undefined;
  const kept = isAsked || head === null ? null : await keptDevice(home, head);
  return kept ?? (await openDeviceFileWith(context, (device) => device));
}

/**
 * Asks for the passphrase of the device.
 * @param take what is done with both; the passphrase is wiped behind it
 */
export async function openDeviceFileWith<T>(
  { home, terminal, passphraseFile }: Context,
  take: (device: Secret<Uint8Array>, passphrase: Secret<Uint8Array>) => T | Promise<T>,
): Promise<T> {
  const file = await readDeviceFile(home);
  if (file === null) throw unusable(home, new Error('no device file'));
  // A damaged file is found before anybody is asked to type.
  readDeviceHead(file);
  const source = { terminal, file: passphraseFile };
  return openWithPassphrase(source, 'Passphrase of this device', async (passphrase) =>
    take(await openDevice(file, passphrase), passphrase),
  );
}

/** The device of a folder, with a passphrase that is at hand. Null: there is none. @throws AccessError `PASSPHRASE_WRONG` */
export async function openDeviceHere(
  home: Home,
  passphrase: Secret<Uint8Array>,
): Promise<Secret<Uint8Array> | null> {
  const file = await readDeviceFile(home);
  return file === null ? null : openDevice(file, passphrase);
}

/**
 * Seals a device and writes it, in one step. It returns when the file is on the disk, was read back from there, and gives the same device again.
 * @throws StorageError `HOME_UNUSABLE`
 */
export async function writeDevice(
  home: Home,
  device: Secret<Uint8Array>,
  step: DeviceStep,
  passphrase: Secret<Uint8Array>,
): Promise<void> {
  const sealed = await sealDevice(device, step, passphrase);
  await writeAtomically(home.deviceFile, sealed).catch((cause: unknown) => {
    throw unusable(home, cause);
  });
  const written = await readDeviceFile(home);
  if (written === null || !equalBytes(written, sealed)) throw notAsWritten(home);
  const again = await openDevice(written, passphrase);
  const why = 'comparing a device with what was kept of it';
  const isSame = equalBytes(reveal(again, why), reveal(device, why));
  wipe(again);
  if (!isSame) throw notAsWritten(home);
}

async function readDeviceFile(home: Home): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(home.deviceFile));
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return null;
    throw unusable(home, cause);
  }
}

function notAsWritten({ deviceFile }: Home): StorageError {
  return new StorageError(`what was written to ${deviceFile} is not what is read from there`, {
    code: 'HOME_UNUSABLE',
    hint: 'look at the disk, or use another folder with --home; nothing was taken away',
  });
}

/** Refuses a folder that waits for its welcome. @throws StateError `DEVICE_NOT_JOINED` */
export async function assertJoined(home: Home): Promise<void> {
  if ((await deviceHead(home))?.step === 'offered') throw notJoined(home);
}

function notJoined({ path }: Home): StateError {
  return new StateError(`the device in ${path} has made an offer, and is let in nowhere yet`, {
    code: 'DEVICE_NOT_JOINED',
    hint: 'bring its offer to another device of yours (ckm device add), then here: ckm device join --welcome FILE',
    retryable: false,
  });
}
