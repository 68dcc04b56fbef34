import { concatBytes } from '@ckm/foundation';
import { crc32, inflateSync } from 'node:zlib';
import { PNG_SIGNATURE } from './png.js';

/** What a PNG shows, four bytes a point: red, green, blue, and 255. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Why a PNG cannot be read here, for people. */
export class PngFault extends Error {}

/** A photograph of a telephone; more is no picture of a code. */
const MOST_POINTS = 16_000_000;
const MOST_FRAMES = 256;
/** Cameras and programs cut a picture into a few thousand. */
const MOST_CHUNKS = 20_000;
/** Of all pictures of a moving one together. */
const MOST_MOVING_POINTS = 64_000_000;

/** Bytes or bits of a point, by the type of its colours. Source: W3C PNG (third edition), 11.2.1 */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8],
  2: [8],
  3: [1, 2, 4, 8],
  4: [8],
  6: [8],
};

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colours: number;
}

/** Whether bytes are a PNG by how they begin. */
export function isPng(bytes: Uint8Array): boolean {
  return PNG_SIGNATURE.every((byte, at) => bytes[at] === byte);
}

/**
 * The pictures of a PNG, one after the other: of a moving one those that fill it whole. Sizes are looked at before anything is unpacked.
 * @throws PngFault
 */
export function* readPng(bytes: Uint8Array): Generator<Pixels> {
  const { header, palette, frames } = takeApart(bytes);
  const points = header.width * header.height;
  if (points === 0 || points > MOST_POINTS) throw new PngFault('it is too large');
  if (frames.length > MOST_FRAMES || points * frames.length > MOST_MOVING_POINTS)
    throw new PngFault('it holds too many pictures');
  if (frames.length === 0) throw new PngFault('it holds no picture');
  for (const packed of frames) yield paint(header, palette, unpack(header, packed));
}

interface Parts {
  readonly header: Header;
  readonly palette: Uint8Array;
  readonly frames: readonly Uint8Array[];
}

function takeApart(bytes: Uint8Array): Parts {
  let header: Header | null = null;
  let palette = new Uint8Array(0);
  const still: Uint8Array[] = [];
  const moving: Uint8Array[][] = [];
  let isWhole = true;
  let count = 0;
  for (const { type, data } of chunksOf(bytes)) {
    if (++count > MOST_CHUNKS) throw new PngFault('it is in too many pieces');
    if (type === 'IHDR') header = headerOf(data);
    if (header === null) throw new PngFault('it does not begin with its size');
    if (type === 'PLTE') palette = data;
    if (type === 'IDAT') still.push(data);
    if (type === 'fcTL') {
      isWhole = fillsWhole(header, data);
      if (still.length > 0 && isWhole) moving.push([]);
    }
    if (type === 'fdAT' && isWhole) moving.at(-1)?.push(data.subarray(4));
  }
  if (header === null) throw new PngFault('it has no size');
  const frames = [still, ...moving].filter((parts) => parts.length > 0);
  return { header, palette, frames: frames.map((parts) => concatBytes(...parts)) };
}

function fillsWhole({ width, height }: Header, control: Uint8Array): boolean {
  if (control.length !== 26) throw new PngFault('a part of it has the wrong length');
  return [width, height, 0, 0].every((value, at) => uint32At(control, 4 + 4 * at) === value);
}

function* chunksOf(
  bytes: Uint8Array,
): Generator<{ readonly type: string; readonly data: Uint8Array<ArrayBuffer> }> {
  for (let at = PNG_SIGNATURE.length; at < bytes.length;) {
    const length = at + 12 <= bytes.length ? uint32At(bytes, at) : bytes.length;
    const end = at + 12 + length;
    if (end > bytes.length) throw new PngFault('its end is missing');
    if (crc32(bytes.subarray(at + 4, end - 4)) !== uint32At(bytes, end - 4))
      throw new PngFault('it is damaged');
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { type, data: bytes.slice(at + 8, end - 4) };
    if (type === 'IEND') return;
    at = end;
  }
  throw new PngFault('its end is missing');
}

function headerOf(data: Uint8Array): Header {
  if (data.length !== 13) throw new PngFault('a part of it has the wrong length');
  const [depth, colours, , , interlace] = data.subarray(8) as unknown as readonly number[];
  const header = { width: uint32At(data, 0), height: uint32At(data, 4), depth: depth!, colours: colours! };
  if (DEPTHS[header.colours]?.includes(header.depth) !== true || interlace !== 0)
    throw new PngFault(
      'it is of a form that is not read here: save it as a plain PNG, 8 bits, not interlaced',
    );
  return header;
}

/** Bytes of one row, without the one that says how it was filtered. */
function strideOf({ width, depth, colours }: Header): number {
  return Math.ceil((width * SAMPLES[colours]! * depth) / 8);
}

/** The rows as they were before they were filtered. Source: W3C PNG (third edition), 9.2 */
function unpack(header: Header, packed: Uint8Array): Uint8Array {
  const stride = strideOf(header);
  const size = (stride + 1) * header.height;
  const rows = inflate(packed, size);
  const bytes = new Uint8Array(stride * header.height);
  const back = Math.max(1, (SAMPLES[header.colours]! * header.depth) >> 3);
  for (let y = 0; y < header.height; y++) {
    const filter = rows[y * (stride + 1)]!;
    if (filter > 4) throw new PngFault('it is damaged');
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < back ? 0 : bytes[at - back]!;
      const up = y === 0 ? 0 : bytes[at - stride]!;
      const corner = x < back || y === 0 ? 0 : bytes[at - stride - back]!;
      bytes[at] = rows[y * (stride + 1) + 1 + x]! + guess(filter, left, up, corner);
    }
  }
  return bytes;
}

function guess(filter: number, left: number, up: number, corner: number): number {
  if (filter < 4) return [0, left, up, (left + up) >> 1][filter]!;
  const sum = left + up - corner;
  const [byLeft, byUp, byCorner] = [Math.abs(sum - left), Math.abs(sum - up), Math.abs(sum - corner)];
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

function inflate(packed: Uint8Array, size: number): Uint8Array {
  let rows: Uint8Array;
  try {
    rows = inflateSync(packed, { maxOutputLength: size });
  } catch {
    throw new PngFault('it is damaged');
  }
  if (rows.length !== size) throw new PngFault('it is damaged');
  return rows;
}

/** On white, where it can be seen through. */
function paint(header: Header, palette: Uint8Array, rows: Uint8Array): Pixels {
  const { width, height, colours, depth } = header;
  const stride = strideOf(header);
  const samples = SAMPLES[colours]!;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sample = (at: number) => sampleAt(rows, y * stride, x * samples + at, depth);
      const seen = samples % 2 === 0 ? sample(samples - 1) : 255;
      const plain = colours === 3 ? colourIn(palette, sample(0)) : tones(colours, depth, sample);
      for (const [at, tone] of plain.entries())
        data[(y * width + x) * 4 + at] = 255 - Math.round(((255 - tone) * seen) / 255);
    }
  return { width, height, data };
}

function sampleAt(rows: Uint8Array, row: number, at: number, depth: number): number {
  if (depth === 8) return rows[row + at]!;
  const bit = at * depth;
  return (rows[row + (bit >> 3)]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

function tones(colours: number, depth: number, sample: (at: number) => number): readonly number[] {
  if (colours === 2 || colours === 6) return [sample(0), sample(1), sample(2)];
  const grey = Math.round((sample(0) * 255) / ((1 << depth) - 1));
  return [grey, grey, grey];
}

function colourIn(palette: Uint8Array, index: number): readonly number[] {
  if (3 * index + 3 > palette.length) throw new PngFault('it is damaged');
  return [...palette.subarray(3 * index, 3 * index + 3)];
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
