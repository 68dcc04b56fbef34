import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { crc32, deflateSync } from 'node:zlib';

/** A square of light and dark modules, row by row: true is dark. */
export type Modules = readonly (readonly boolean[])[];

/** What a PNG begins with. Source: W3C PNG (third edition), 5.2 */
export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** So many points wide is a module: a camera reads it off a screen, and a printer prints it. */
const SCALE = 6;
/** How long each picture of several is shown. */
const FRAME_MS = 300;

/**
 * A PNG in black and white; of several squares of one size one that shows them in turn, for ever.
 * Source: W3C PNG (third edition), 11 (chunks) and 11.3.6 (animation)
 */
export function formatPng(frames: readonly Modules[]): Uint8Array {
  const size = frames[0]!.length * SCALE;
  const header = [uint32(size), uint32(size), Uint8Array.of(1, 0, 0, 0, 0)];
  const isMoving = frames.length > 1;
  let sequence = 0;
  const shown = frames.flatMap((frame, at) => {
    const pixels = deflateSync(rowsOf(frame));
    const control = isMoving ? [chunk('fcTL', uint32(sequence++), ...controlOf(size))] : [];
    const data = at === 0 ? chunk('IDAT', pixels) : chunk('fdAT', uint32(sequence++), pixels);
    return [...control, data];
  });
  const moving = isMoving ? [chunk('acTL', uint32(frames.length), uint32(0))] : [];
  return concatBytes(PNG_SIGNATURE, chunk('IHDR', ...header), ...moving, ...shown, chunk('IEND'));
}

/** The whole of the picture, for so long; nothing of the one before stays. */
function controlOf(size: number): readonly Uint8Array[] {
  const delay = Uint8Array.of(FRAME_MS >> 8, FRAME_MS & 0xff, 1_000 >> 8, 1_000 & 0xff);
  return [uint32(size), uint32(size), uint32(0), uint32(0), delay, Uint8Array.of(0, 0)];
}

/** One bit a point, light is 1; no row is filtered. */
function rowsOf(modules: Modules): Uint8Array {
  const width = modules.length * SCALE;
  const stride = 1 + Math.ceil(width / 8);
  const bytes = new Uint8Array(stride * width);
  for (let y = 0; y < width; y++)
    for (let x = 0; x < width; x++)
      if (!modules[Math.floor(y / SCALE)]![Math.floor(x / SCALE)]!)
        bytes[y * stride + 1 + (x >> 3)]! |= 0x80 >> (x & 7);
  return bytes;
}

function chunk(type: string, ...data: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(encodeUtf8(type), ...data);
  return concatBytes(uint32(body.length - 4), body, uint32(crc32(body)));
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
