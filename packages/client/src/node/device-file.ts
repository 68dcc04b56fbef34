import { AccessError, concatBytes, encodeUtf8, reveal, secret, type Secret, wipe } from '@ckm/foundation';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { randomBytes } from 'node:crypto';
import { deviceFileCorrupt, devicePrint, parseDevice, wipeDevice } from '../owner/device-secrets.js';
import { LEAST_LOG_N, MOST_LOG_N, SEED_COST, stretch } from './stretch.js';

/**
 * A device at rest. A text file of `name: value` lines (ASCII, LF), in this order:
 *
 *     ckm-device: 1
 *     step: offered                 offered, forgetting or ready
 *     print: 32 bytes, hex          which device it is; says nothing of its secret
 *     kdf: scrypt 17 8 1            log2 N, r, p
 *     salt: 32 bytes, hex
 *     nonce: 24 bytes, hex
 *     sealed: hex                   XChaCha20-Poly1305 of the device as bytes
 *
 * Key: scrypt(passphrase as UTF-8 NFC, salt, N, r, p) → 32 bytes. Associated data: all lines but the last with their line breaks. Nothing else is in the file.
 * Source: RFC 7914; draft-irtf-cfrg-xchacha-03.
 */
const TITLE = 'ckm-device: 1';

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
  const salt = new Uint8Array(randomBytes(32));
  const nonce = new Uint8Array(randomBytes(24));
  const head = headOf({ step, print: devicePrintOf(device) }, logN, salt, nonce);
  const key = await stretch(passphrase, salt, logN);
  try {
    const plain = reveal(device, 'sealing a device');
    return encodeUtf8(
      `${head}sealed: ${hex(xchacha20poly1305(key, nonce, encodeUtf8(head)).encrypt(plain))}\n`,
    );
  } finally {
    key.fill(0);
  }
}

/**
 * Opens a device. The caller wipes it, or gives it to a client, which does.
 * @throws AccessError `PASSPHRASE_WRONG`; StorageError `DEVICE_FILE_CORRUPT`
 */
export async function openDevice(
  file: Uint8Array,
  passphrase: Secret<string | Uint8Array>,
): Promise<Secret<Uint8Array>> {
  const { head, logN, salt, nonce, sealed } = parseFile(file);
  const key = await stretch(passphrase, salt, logN);
  let device: Secret<Uint8Array>;
  try {
    device = secret(xchacha20poly1305(key, nonce, encodeUtf8(head)).decrypt(sealed));
  } catch {
    throw new AccessError('the passphrase does not open this device', {
      code: 'PASSPHRASE_WRONG',
      hint: 'try again; if it is lost, remove this device with another one or with the words, and join anew',
    });
  } finally {
    key.fill(0);
  }
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
  const { step, print } = parseFile(file);
  return { step, print };
}

interface DeviceFile extends DeviceHead {
  readonly head: string;
  readonly logN: number;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

const FORM =
  /^(ckm-device: 1\nstep: (offered|forgetting|ready)\nprint: ([0-9a-f]{64})\nkdf: scrypt ([0-9]{2}) 8 1\nsalt: ([0-9a-f]{64})\nnonce: ([0-9a-f]{48})\n)sealed: ((?:[0-9a-f]{2})+)\n$/;

function parseFile(file: Uint8Array): DeviceFile {
  const text = file.length > DEVICE_FILE_MAX_BYTES ? '' : Buffer.from(file).toString('latin1');
  const match = FORM.exec(text);
  const logN = Number(match?.[4]);
  if (match === null || logN < LEAST_LOG_N || logN > MOST_LOG_N) throw deviceFileCorrupt();
  const [, head, step, print, , salt, nonce, sealed] = match;
  return {
    head: head!,
    step: step as DeviceStep,
    print: unhex(print!),
    logN,
    salt: unhex(salt!),
    nonce: unhex(nonce!),
    sealed: unhex(sealed!),
  };
}

function headOf({ step, print }: DeviceHead, logN: number, salt: Uint8Array, nonce: Uint8Array): string {
  const { r, p } = SEED_COST;
  return `${TITLE}\nstep: ${step}\nprint: ${hex(print)}\nkdf: scrypt ${logN} ${r} ${p}\nsalt: ${hex(salt)}\nnonce: ${hex(nonce)}\n`;
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

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unhex(text: string): Uint8Array {
  return concatBytes(Buffer.from(text, 'hex'));
}
