import { createUrCollector, formatUr } from '@ckm/gordian';
import { type CkmError, EncodingError } from '@ckm/foundation';
import { fileTooLarge, readInput } from '../terminal/read-input.js';
import { isPng, PngFault, readPng, type Pixels } from './read-png.js';

/** A photograph has some; of a text as many letters as it may have are read. */
const MOST_PICTURE_BYTES = 32_000_000;
/** Parts of a UR are longer than the whole, and somebody may have copied each of them several times. */
const PARTS_LONGER = 8;
/** A part of a UR, alone on its line. Source: BCR-2020-005 */
const PART = /^ur:[a-z0-9-]{1,64}\/\d{1,5}-\d{1,5}\/[a-z]+$/i;
/** Nothing but a UR: out of a code it comes in capitals. */
const ALONE = /^\s*ur:[a-z0-9-]{1,64}\/[a-z]+\s*$/i;
/** Most milliseconds that looking for a code in one picture goes on after the first try. */
const LOOKING_MS = 1_500;

/**
 * A text that somebody has carried here, as `ur:…`: as it was written, as a picture of QR codes (PNG), or as the parts that a reader of such codes has
 * taken down, each on a line.
 * @param mostCharacters of it whole
 * @param shorter what to do about one that is longer
 * @throws EncodingError `PICTURE_UNREADABLE`, `PICTURE_INCOMPLETE`, `UR_INVALID`; StorageError `FILE_UNREADABLE`; UsageError `FILE_TOO_LARGE`
 */
export async function readCarried(path: string, mostCharacters: number, shorter: string): Promise<string> {
  const bytes = await readInput(path, Math.max(MOST_PICTURE_BYTES, mostCharacters), shorter);
  if (isPng(bytes)) return whole(await codesIn(path, bytes), mostCharacters);
  const text = new TextDecoder().decode(bytes.subarray(0, PARTS_LONGER * mostCharacters));
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const parts = lines.filter((line) => PART.test(line));
  if (bytes.length > (parts.length === 0 ? 1 : PARTS_LONGER) * mostCharacters)
    throw fileTooLarge(path, mostCharacters, shorter);
  if (parts.length > 0) return whole(parts, mostCharacters);
  return ALONE.test(text) ? text.toLowerCase() : text;
}

async function codesIn(path: string, bytes: Uint8Array): Promise<readonly string[]> {
  const { decodeQR } = await import('qr/decode.js');
  const found: string[] = [];
  try {
    for (const pixels of readPng(bytes)) {
      const code = codeIn(decodeQR, pixels);
      if (code !== null) found.push(code);
    }
  } catch (error) {
    if (error instanceof PngFault) throw unreadable(path, error.message);
    throw error;
  }
  if (found.length === 0) throw unreadable(path, 'no QR code is seen in it');
  return found;
}

/** Null: none is seen. Whatever a picture shows, nothing is thrown. */
function codeIn(
  decodeQR: (image: Pixels, options: { readonly timeLimit: number }) => string,
  pixels: Pixels,
): string | null {
  try {
    return decodeQR(pixels, { timeLimit: LOOKING_MS });
  } catch {
    return null;
  }
}

/** Put together out of its parts; one that stands in one code is what it is. */
function whole(codes: readonly string[], mostCharacters: number): string {
  const limits = { maxBytes: mostCharacters, maxDepth: 64 };
  const collector = createUrCollector(limits);
  for (const code of codes) collector.add(code);
  const result = collector.result();
  if (result !== null) return formatUr(result);
  const percent = Math.floor(100 * collector.progress());
  throw new EncodingError(`some of the parts are missing: ${percent} % of it is there`, {
    code: 'PICTURE_INCOMPLETE',
    hint: 'read all the codes that the picture shows in turn, or have the text itself sent',
  });
}

function unreadable(path: string, why: string): CkmError {
  return new EncodingError(`${path} cannot be read: ${why}`, {
    code: 'PICTURE_UNREADABLE',
    hint: 'photograph the code straight on and sharp, save it as PNG, or have the text itself sent',
  });
}
