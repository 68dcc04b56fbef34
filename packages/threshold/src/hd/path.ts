import { EncodingError } from '@ckm/foundation';

/** Unhardened child indexes from a key down to a descendant, at most eight of 31 bits; empty is the key itself. */
export type DerivationPath = readonly number[];

/** Deepest path. Source: CKM, docs/frost.md, "Derived keys" */
export const DEEPEST_PATH = 8;

const LARGEST_INDEX = 0x7fffffff;
const LONGEST_TEXT = 2 + DEEPEST_PATH * 11;

/**
 * Reads `m`, `m/0/5` and the like.
 * @throws EncodingError `PATH_HARDENED` when an index is marked as hardened, `PATH_INVALID` for any other text
 */
export function parsePath(text: string): DerivationPath {
  if (typeof text !== 'string' || text.length > LONGEST_TEXT) throw pathInvalid();
  const [root, ...steps] = text.split('/');
  if (root !== 'm') throw pathInvalid();
  return assertPath(steps.map(parseIndex));
}

/** The text that {@link parsePath} reads. */
export function formatPath(path: DerivationPath): string {
  return ['m', ...assertPath(path)].join('/');
}

/**
 * The same path, copied and frozen.
 * @throws EncodingError `PATH_HARDENED` for an index of 2³¹ or more, `PATH_INVALID` for anything else that is no path
 */
export function assertPath(path: unknown): DerivationPath {
  if (!Array.isArray(path) || path.length > DEEPEST_PATH) throw pathInvalid();
  return Object.freeze(Array.from(path, assertIndex));
}

function parseIndex(text: string): number {
  if (/^\d+['hH]$/.test(text)) throw pathHardened();
  if (!/^(0|[1-9]\d{0,9})$/.test(text)) throw pathInvalid();
  return Number(text);
}

function assertIndex(index: unknown): number {
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0) throw pathInvalid();
  if (index > LARGEST_INDEX) throw pathHardened();
  return index;
}

function pathHardened(): EncodingError {
  return new EncodingError('a derivation path has a hardened index', {
    code: 'PATH_HARDENED',
    hint: 'use indexes below 2147483648 without a mark, or generate another key: nobody holds the secret that hardening needs',
  });
}

function pathInvalid(): EncodingError {
  return new EncodingError('not a derivation path', {
    code: 'PATH_INVALID',
    hint: `write m followed by at most ${DEEPEST_PATH} indexes, for example m/0/5`,
  });
}
