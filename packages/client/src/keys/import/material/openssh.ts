import { EncodingError, encodeUtf8, equalBytes } from '@ckm/foundation';
import { groupNamed, type LayoutReader, readLayout } from '@ckm/threshold';
import { sha512 } from '@noble/hashes/sha2.js';
import { type KeyMaterial, materialInvalid, materialOf, materialUnsupported } from './key-material.js';

const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';
const MAGIC = encodeUtf8('openssh-key-v1\0');
const TYPE = 'ssh-ed25519';
const MOST_BYTES = 16_384;

/** Whether a text is a private key as OpenSSH writes it. */
export function looksLikeOpenssh(text: string): boolean {
  return text.startsWith(BEGIN);
}

/**
 * An Ed25519 key of OpenSSH. What signs is a scalar that is hashed out of the seed in the file, and that scalar is dealt: the
 * public key is the same, and no quorum of servers can make the file again.
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`
 * Source: OpenSSH, PROTOCOL.key; RFC 8032 §5.1.5
 */
export function readOpenssh(text: string): KeyMaterial {
  const bytes = decodeArmor(text);
  try {
    return readKey(bytes);
  } catch (error) {
    if (error instanceof EncodingError && error.code.startsWith('LAYOUT_')) throw cut();
    throw error;
  } finally {
    bytes.fill(0);
  }
}

function decodeArmor(text: string): Uint8Array {
  const end = text.indexOf(END);
  const body = text.slice(BEGIN.length, end).replace(/\s/g, '');
  if (end < 0 || text.slice(end + END.length).trim() !== '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(body))
    throw cut();
  try {
    return Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  } catch {
    throw cut();
  }
}

function readKey(bytes: Uint8Array): KeyMaterial {
  const reader = readLayout(bytes, 'a private key of OpenSSH', MOST_BYTES);
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) throw cut();
  const cipher = textOf(reader.block(64));
  const kdf = textOf(reader.block(64));
  reader.block(256);
  if (cipher !== 'none' || kdf !== 'none')
    throw materialUnsupported(
      'this key has a passphrase',
      'take it off a copy, on a disk that you trust (ssh-keygen -p -N "" -f COPY), import that, and destroy it',
    );
  if (reader.uint32be() !== 1)
    throw materialUnsupported('this file holds several keys', 'name a file with one');
  const shown = publicKeyIn(reader.block(1024));
  const secrets = reader.block(4096);
  reader.end();
  try {
    return readSecrets(secrets, shown);
  } finally {
    secrets.fill(0);
  }
}

/** @returns the public key, 32 bytes */
function publicKeyIn(blob: Uint8Array): Uint8Array {
  const reader = readLayout(blob, 'a public key of OpenSSH', 1024);
  const type = textOf(reader.block(64));
  if (type !== TYPE)
    throw materialUnsupported(
      `an SSH key of type ${type} cannot be taken over, only ${TYPE}`,
      'make a new key for SSH, and put its public line where the old one is',
    );
  const key = reader.block(32);
  reader.end();
  return key;
}

function readSecrets(bytes: Uint8Array, shown: Uint8Array): KeyMaterial {
  const reader = readLayout(bytes, 'a private key of OpenSSH', 4096);
  if (reader.uint32be() !== reader.uint32be()) throw cut();
  if (textOf(reader.block(64)) !== TYPE) throw cut();
  const publicKey = reader.block(32);
  const pair = reader.block(64);
  reader.block(1024);
  assertPadding(reader, bytes);
  const material = materialOf('ed25519', scalarOf(pair.subarray(0, 32)), {
    format: 'openssh',
    chainCode: null,
    path: null,
  });
  const areSame = [publicKey, pair.subarray(32), material.groupKey].every((one) => equalBytes(one, shown));
  pair.fill(0);
  if (areSame) return material;
  throw materialInvalid('the private key in this file does not belong to its public key');
}

const BLOCK_BYTES = 8;

/** 1, 2, 3 … up to a whole block. */
function assertPadding(reader: LayoutReader, whole: Uint8Array): void {
  for (let i = 1; i < BLOCK_BYTES; i++) {
    try {
      if (reader.uint8() !== i) throw cut();
    } catch (error) {
      if (error instanceof EncodingError && error.code.startsWith('LAYOUT_')) break;
      throw error;
    }
  }
  reader.end();
  if (whole.length % BLOCK_BYTES !== 0) throw cut();
}

/** The scalar of an Ed25519 seed, reduced: the clamped one is its representative, and both give one public key. */
function scalarOf(seed: Uint8Array): Uint8Array {
  const digest = sha512(seed);
  const wide = new Uint8Array(64);
  wide.set(digest.subarray(0, 32));
  wide[0]! &= 248;
  wide[31]! &= 127;
  wide[31]! |= 64;
  const scalar = groupNamed('ed25519').scalars.reduceSecret(wide);
  digest.fill(0);
  wide.fill(0);
  return scalar;
}

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function cut(): EncodingError {
  return materialInvalid('this private key of OpenSSH is cut or changed');
}
