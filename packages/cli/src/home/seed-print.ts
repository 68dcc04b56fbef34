import { reveal, type Secret } from '@ckm/foundation';
import { hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isErrno, writeAtomically } from '@ckm/client/node';
import type { Home } from './home.js';

const LABEL = 'ckm/owner-seed-print/v1';
const FORM = /^ckm-owner-seed-print: 1\n([0-9a-f]{64})\n$/;

/**
 * How a seed compares with the one that this folder belongs to. `unknown`: a seed file is or was there, and nothing
 * that could be compared with.
 */
export type SeedComparison = 'same' | 'other' | 'unknown';

/**
 * Notes which seed the folder belongs to, so that it is known again when nobody can open the seed file any more.
 * `seed-print` holds `ckm-owner-seed-print: 1` and HKDF-SHA256(seed, salt = `ckm/owner-seed-print/v1`) in hex: it says
 * nothing about the 256 random bits of the seed. Channel: the owner's folder only; no server ever sees it.
 */
export async function writeSeedPrint(home: Home, seed: Secret<Uint8Array>): Promise<void> {
  const text = `ckm-owner-seed-print: 1\n${printOf(seed)}\n`;
  await writeAtomically(home.seedPrint, new Uint8Array(Buffer.from(text)));
}

/** Compares a seed with the one that the folder belongs to. */
export async function compareSeed(home: Home, seed: Secret<Uint8Array>): Promise<SeedComparison> {
  const print = await readPrint(home);
  if (print === null) return 'unknown';
  return print === printOf(seed) ? 'same' : 'other';
}

async function readPrint(home: Home): Promise<string | null> {
  try {
    return FORM.exec(await readFile(home.seedPrint, 'latin1'))?.[1] ?? null;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

function printOf(seed: Secret<Uint8Array>): string {
  const bytes = reveal(seed, 'recognising the owner seed again');
  return Buffer.from(hkdfSync('sha256', bytes, LABEL, '', 32)).toString('hex');
}
