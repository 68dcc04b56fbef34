import { createUrParts, parseUr } from '@ckm/gordian';
import { formatPng, type Modules } from './png.js';

/** So many capitals in one code, and a camera reads it off a screen without effort. */
const MOST_IN_ONE = 700;
/** Of one part of several, before it becomes letters: some 400 of them. */
const FRAGMENT_BYTES = 160;

/**
 * A UR as a picture: one QR code, or, where it is long, one after the other, each with a part of it (BCR-2020-005, BCR-2024-001), which any reader
 * of animated URs puts together again. In capitals, of which a code holds more.
 * @returns a PNG, animated where there are several parts
 */
export async function formatQrPicture(ur: string): Promise<Uint8Array> {
  const { default: encodeQR } = await import('qr');
  const frames = textsOf(ur.trim()).map(
    (text) =>
      (version?: number): Modules =>
        encodeQR(text.toUpperCase(), 'raw', {
          ecc: 'medium',
          border: 4,
          ...(version === undefined ? {} : { version }),
        }),
  );
  const drawn = frames.map((draw) => draw());
  const size = Math.max(...drawn.map(({ length }) => length));
  // All of one size: the headers of parts differ by a letter.
  return formatPng(drawn.map((one, at) => (one.length === size ? one : frames[at]!((size - 8 - 17) / 4))));
}

function textsOf(ur: string): readonly string[] {
  if (ur.length <= MOST_IN_ONE) return [ur];
  const parts = createUrParts(parseUr(ur, undefined, LONGEST), FRAGMENT_BYTES);
  return Array.from({ length: parts.count }, () => parts.next());
}

/** What stands on a picture is what was made here. */
const LONGEST = { maxBytes: 150_000, maxDepth: 64 } as const;
