import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { createUrParts, encodeData, formatUr, parseUr } from '@ckm/gordian';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Scratch, scratchFolder } from '../test/scratch.js';
import { formatPng, PNG_SIGNATURE } from './png.js';
import { formatQrPicture } from './qr-picture.js';
import { readCarried } from './read-carried.js';

const HINT = 'name the right file';
const MOST = 20_000;

let scratch: Scratch;
let counter = 0;

beforeAll(() => {
  scratch = scratchFolder();
});
afterAll(() => scratch.remove());

function fileOf(bytes: Uint8Array | string): string {
  const path = join(scratch.path, `file-${counter++}`);
  writeFileSync(path, bytes);
  return path;
}

const urOf = (bytes: number) =>
  formatUr({ type: 'bytes', cbor: encodeData(new Uint8Array(randomBytes(bytes))) });
const read = (bytes: Uint8Array | string) => readCarried(fileOf(bytes), MOST, HINT);

describe('a text that somebody carries', () => {
  test.each([20, 300, 330, 700, 2_000])('comes back from a picture of %i bytes as it was', async (bytes) => {
    const ur = urOf(bytes);
    expect(await read(await formatQrPicture(ur))).toBe(ur);
  });

  test('comes back as it was where it is no picture, whatever stands around it', async () => {
    const text = `A freeze of the key k\n\n${urOf(20)}\n`;
    expect(await read(text)).toBe(text);
  });
});

describe('a picture that is none, or not whole', () => {
  test('is refused where it is cut anywhere, or one byte of it is another: by its own code, and nothing else is thrown', async () => {
    const whole = await formatQrPicture(urOf(400));
    for (let at = PNG_SIGNATURE.length; at < whole.length; at += 97) {
      await expect(read(whole.slice(0, at))).rejects.toMatchObject({ code: 'PICTURE_UNREADABLE' });
      const changed = whole.slice();
      changed[at]! ^= 0x10;
      await expect(read(changed)).rejects.toMatchObject({ code: 'PICTURE_UNREADABLE' });
    }
  });

  test.each([
    ['shows no code', () => formatPng([Array.from({ length: 40 }, () => Array<boolean>(40).fill(false))])],
    ['is larger than any photograph', () => pngOf(60_000, 60_000, [0x80, 0])],
    ['unpacks to more than it says', () => pngOf(8, 8, Array<number>(5_000_000).fill(0))],
    ['is interlaced', () => pngOf(8, 8, [], 1)],
    ['has no end', () => PNG_SIGNATURE],
  ])('is refused where it %s', async (_what, picture) => {
    await expect(read(picture())).rejects.toMatchObject({ code: 'PICTURE_UNREADABLE' });
  });

  test('is refused where some of its parts are missing, and says how much is there', async () => {
    const parts: string[] = [];
    const ur = urOf(700);
    const cut = createUrParts(parseUr(ur), 160);
    for (let at = 0; at < cut.count - 1; at++) parts.push(cut.next());
    await expect(read(parts.join('\n'))).rejects.toMatchObject({
      code: 'PICTURE_INCOMPLETE',
      message: expect.stringMatching(/^some of the parts are missing: \d\d % of it is there$/),
    });
    await expect(read('ur:bytes/1-2/aeaeaeae')).rejects.toMatchObject({ code: 'UR_INVALID' });
  });

  test('is refused where the text is longer than it may be', async () => {
    await expect(readCarried(fileOf('x'.repeat(200)), 100, HINT)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
  });
});

/** A grey PNG of that size, whose rows are these bytes. */
function pngOf(width: number, height: number, rows: readonly number[], interlace = 0): Uint8Array {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, 0, 0, 0, interlace], 8);
  return concatBytes(
    PNG_SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Uint8Array.from(rows))),
    chunk('IEND', new Uint8Array(0)),
  );
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = concatBytes(encodeUtf8(type), data);
  const framed = new Uint8Array(body.length + 8);
  new DataView(framed.buffer).setUint32(0, data.length);
  framed.set(body, 4);
  new DataView(framed.buffer).setUint32(body.length + 4, crc32(body));
  return framed;
}
