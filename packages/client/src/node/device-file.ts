import { AccessError, type Secret, wipe } from '@ckm/foundation';
import { deviceFileCorrupt, devicePrint, parseDevice, wipeDevice } from '../owner/device-secrets.js';
import { hex, openSealed, readSealed, type SealedFile, sealUnder, unhex } from './sealed-file.js';
import { SEED_COST } from './stretch.js';

/**
 * A device at rest, as {@link sealUnder} writes the device as bytes behind these lines:
 *
 *     ckm-device: 1
 *     step: offered                 offered, forgetting or ready
 *     print: 32 bytes, hex          which device it is; says nothing of its secret
 */
const BEGINS = /^ckm-device: 1\nstep: (?<step>offered|forgetting|ready)\nprint: (?<print>[0-9a-f]{64})\n$/;

/**
 * How far a device has come. `offered`: it waits for its welcome. `forgetting`: it is to take the place of the words, which still lie beside it. `ready`: it speaks.
 */
export type DeviceStep = 'offered' | 'forgetting' | 'ready';

/** What of a device file can be read without its passphrase. */
export interface DeviceHead {
  readonly step: DeviceStep;
  /** 32 bytes */
  readonly print: Uint8Array;
}

/**
 * Twice `MOST_DEVICE_BYTES` and a tag of 16 bytes, in hex, and the lines around. A number of its own: the bundled command reads this module before
 * the one that holds devices.
 */
export const DEVICE_FILE_MAX_BYTES = 17_440;

/**
 * Seals a device, as `openDeviceFile` gives it, under a passphrase, text or its UTF-8 in NFC. `logN` is lowered in tests only.
 * @throws StorageError `DEVICE_FILE_CORRUPT`: these bytes are no device
 */
export async function sealDevice(
  device: Secret<Uint8Array>,
  step: DeviceStep,
  passphrase: Secret<string | Uint8Array>,
  logN: number = SEED_COST.logN,
): Promise<Uint8Array> {
  const begins = `ckm-device: 1\nstep: ${step}\nprint: ${hex(devicePrintOf(device))}\n`;
  return sealUnder(begins, device, passphrase, logN);
}

/**
 * Opens a device. The caller wipes it, or gives it to a client, which does.
 * @throws AccessError `PASSPHRASE_WRONG`; StorageError `DEVICE_FILE_CORRUPT`
 */
export async function openDevice(
  file: Uint8Array,
  passphrase: Secret<string | Uint8Array>,
): Promise<Secret<Uint8Array>> {
  const device = await openSealed(parseFile(file).sealed, passphrase);
  if (device === null)
    throw new AccessError('the passphrase does not open this device', {
      code: 'PASSPHRASE_WRONG',
      hint: 'try again; if it is lost, remove this device with another one or with the words, and join anew',
    });
  assertUsable(device);
  return device;
}

/** What cannot be used is found while the file is at hand. @throws StorageError `DEVICE_FILE_CORRUPT` */
function assertUsable(device: Secret<Uint8Array>): void {
  try {
    wipeDevice(parseDevice(device));
  } catch (error) {
    wipe(device);
    throw error;
  }
}

/** @throws StorageError `DEVICE_FILE_CORRUPT` */
export function readDeviceHead(file: Uint8Array): DeviceHead {
  return parseFile(file).head;
}

function parseFile(file: Uint8Array): { readonly head: DeviceHead; readonly sealed: SealedFile } {
  const sealed = readSealed(file, DEVICE_FILE_MAX_BYTES);
  const { step, print } = BEGINS.exec(sealed?.begins ?? '')?.groups ?? {};
  if (sealed === null || step === undefined || print === undefined) throw deviceFileCorrupt();
  return { head: { step: step as DeviceStep, print: unhex(print) }, sealed };
}

/** 32 bytes: the `print` in the file of a device. @throws StorageError `DEVICE_FILE_CORRUPT`: these bytes are no device */
export function devicePrintOf(device: Secret<Uint8Array>): Uint8Array {
  const opened = parseDevice(device);
  try {
    return devicePrint(opened);
  } finally {
    wipeDevice(opened);
  }
}
