import { CkmError, encodeUtf8, reveal, secret } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { draftDevice, MOST_DEVICE_BYTES } from '../owner/device-secrets.js';
import {
  DEVICE_FILE_MAX_BYTES,
  devicePrintOf,
  openDevice,
  readDeviceHead,
  sealDevice,
} from './device-file.js';

const PASSPHRASE = secret('river lamp seven onions');
const CHEAPEST_LOG_N = 14;
const device = draftDevice((length) => new Uint8Array(randomBytes(length)));
let file: string;

beforeAll(async () => {
  file = Buffer.from(await sealDevice(device, 'offered', PASSPHRASE, CHEAPEST_LOG_N)).toString('latin1');
});

const otherByte = (hex: string): string => (hex === '00' ? '11' : '00');

const codeOf = async (text: string, passphrase = PASSPHRASE): Promise<string> => {
  try {
    await openDevice(encodeUtf8(text), passphrase);
  } catch (error) {
    if (error instanceof CkmError) return error.code;
    throw error;
  }
  return 'OK';
};

test('a file of the longest device is not too long', () => {
  expect(DEVICE_FILE_MAX_BYTES).toBe(2 * (MOST_DEVICE_BYTES + 16) + 1_024);
});

describe('a device at rest', () => {
  test('comes back with its passphrase, and says without it which device it is and how far', async () => {
    const opened = await openDevice(encodeUtf8(file), PASSPHRASE);
    expect(reveal(opened, 'test')).toEqual(reveal(device, 'test'));
    expect(readDeviceHead(encodeUtf8(file))).toEqual({ step: 'offered', print: devicePrintOf(device) });
    expect(file).not.toContain(Buffer.from(reveal(device, 'test').subarray(-40)).toString('hex'));
  });

  test('does not open with another passphrase, nor with another step, print or end', async () => {
    expect(await codeOf(file, secret('river lamp seven carrots'))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(file.replace('step: offered', 'step: ready'))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(file.replace(/(?<=print: )../, otherByte))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(file.replace(/..(?=\n$)/, otherByte))).toBe('PASSPHRASE_WRONG');
  });

  test.each([
    ['empty', () => ''],
    ['cut', () => file.slice(0, -3)],
    ['of another form', () => file.replace('ckm-device: 1', 'ckm-device: 2')],
    ['dearer than a machine can pay', () => file.replace(/scrypt \d\d/, 'scrypt 30')],
    ['longer than any', () => file.replace('sealed: ', `sealed: ${'00'.repeat(DEVICE_FILE_MAX_BYTES)}`)],
    ['a seed', () => `ckm-owner-seed: 1\nkdf: scrypt 17 8 1\n`],
  ])('that is %s is refused before anything is computed', async (_what, text) => {
    expect(await codeOf(text())).toBe('DEVICE_FILE_CORRUPT');
  });
});
