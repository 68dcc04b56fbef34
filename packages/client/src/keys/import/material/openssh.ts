import { concatBytes, EncodingError, encodeUtf8, equalBytes, wipe } from '@ckm/foundation';
import { type LayoutReader, readLayout } from '@ckm/threshold';
import {
  type KeyMaterial,
  materialInvalid,
  materialLocked,
  materialOfSeed,
  materialUnsupported,
} from './key-material.js';

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
  const { cipher, kdf, shown, secrets } = parseOpenssh(text);
  try {
    if (cipher !== 'none' || kdf !== 'none') throw materialLocked('this key file has a passphrase');
    return inWords(() => readSecrets(secrets, shown));
  } finally {
    secrets.fill(0);
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

/** A file of OpenSSH as it is stored: what is secret of it may be encrypted. */
export interface OpensshFile {
  readonly cipher: string;
  readonly kdf: string;
  readonly kdfOptions: Uint8Array;
  /** 32 bytes: the public key. */
  readonly shown: Uint8Array;
  readonly secrets: Uint8Array;
}

/**
 * Takes a file apart. Whoever reads it wipes `secrets`.
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`
 */
export function parseOpenssh(text: string): OpensshFile {
  const bytes = decodeArmor(text);
  try {
    return inWords(() => {
      const reader = readLayout(bytes, 'a private key of OpenSSH', MOST_BYTES);
      if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) throw cut();
      const cipher = textOf(reader.block(64));
      const kdf = textOf(reader.block(64));
      const kdfOptions = reader.block(256);
      if (reader.uint32be() !== 1)
        throw materialUnsupported('this file holds several keys', 'name a file with one');
      const shown = publicKeyIn(reader.block(1024));
      const secrets = reader.block(4096);
      reader.end();
      return { cipher, kdf, kdfOptions, shown, secrets };
    });
  } finally {
    bytes.fill(0);
  }
}

/** The same file without a passphrase, from what was decrypted. */
export function openedText(shown: Uint8Array, secrets: Uint8Array): string {
  const none = block(encodeUtf8('none'));
  const publicKey = concatBytes(block(encodeUtf8(TYPE)), block(shown));
  const bytes = concatBytes(
    MAGIC,
    none,
    none,
    block(new Uint8Array()),
    Uint8Array.of(0, 0, 0, 1),
    block(publicKey),
    block(secrets),
  );
  const text = `${BEGIN}\n${btoa(String.fromCharCode(...bytes))}\n${END}\n`;
  bytes.fill(0);
  return text;
}

function block(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concatBytes(length, bytes);
}

/** A layout that does not hold is a file that is cut. */
function inWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof EncodingError && error.code.startsWith('LAYOUT_')) throw cut();
    throw error;
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
  try {
    reader.block(1024);
    assertPadding(reader, bytes);
    const material = materialOfSeed(pair.subarray(0, 32), 'openssh');
    const areSame = [publicKey, pair.subarray(32), material.groupKey].every((one) => equalBytes(one, shown));
    if (areSame) return material;
    wipe(material.secret);
    throw materialInvalid('the private key in this file does not belong to its public key');
  } finally {
    pair.fill(0);
  }
}

/** Of ciphers without blocks of their own; that of AES is a multiple. */
const BLOCK_BYTES = 8;
const MOST_PADDING = 15;

/** 1, 2, 3 … up to a whole block. */
function assertPadding(reader: LayoutReader, whole: Uint8Array): void {
  for (let i = 1; i <= MOST_PADDING; i++) {
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

function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function cut(): EncodingError {
  return materialInvalid('this private key of OpenSSH is cut or changed');
}
