import { CkmError, concatBytes, decodeUtf8, encodeUtf8, equalBytes } from '@ckm/foundation';
import { verifySignature } from '@ckm/threshold';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { base64 } from '@scure/base';
import { demand } from '../errors.js';
import { lengthPrefixed, readBytes, u32 } from '../wire/bytes.js';
import { rawSshSignature, sshPublicKeyBlob, sshSignatureBlob } from './blob.js';

/** The hashes PROTOCOL.sshsig allows. */
export const SSHSIG_HASHES = { sha256, sha512 } as const;
export type SshsigHash = keyof typeof SSHSIG_HASHES;

const MAGIC = 'SSHSIG';
const VERSION = 1;
const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
const ARMOR_WIDTH = 70;
const MAX_ARMOR = 16_384;

/** What an SSH signature is about. */
export interface SshsigStatement {
  readonly namespace: string;
  readonly hash: SshsigHash;
  /** H(message). */
  readonly digest: Uint8Array;
}

/** The bytes that are signed. Source: OpenSSH PROTOCOL.sshsig §2. */
export function sshsigToSign({ namespace, hash, digest }: SshsigStatement): Uint8Array {
  return concatBytes(
    encodeUtf8(MAGIC),
    lengthPrefixed(namespace),
    lengthPrefixed(''),
    lengthPrefixed(hash),
    lengthPrefixed(digest),
  );
}

/** The armored signature, as `ssh-keygen -Y verify` reads it. Source: OpenSSH PROTOCOL.sshsig §1, §3. */
export function armorSshsig(
  groupKey: Uint8Array,
  { namespace, hash }: Pick<SshsigStatement, 'namespace' | 'hash'>,
  signature: Uint8Array,
): string {
  const blob = concatBytes(
    encodeUtf8(MAGIC),
    u32(VERSION),
    lengthPrefixed(sshPublicKeyBlob(groupKey)),
    lengthPrefixed(namespace),
    lengthPrefixed(''),
    lengthPrefixed(hash),
    lengthPrefixed(sshSignatureBlob(signature)),
  );
  const lines = base64.encode(blob).match(new RegExp(`.{1,${ARMOR_WIDTH}}`, 'g')) ?? [];
  return [BEGIN, ...lines, END, ''].join('\n');
}

/**
 * The bare signature blob inside an armored signature of ours: what an agent answers when `ssh-keygen -Y sign` asked
 * it. @throws EncodingError `SSH_SIGNATURE_MALFORMED`
 */
export function sshSignatureBlobOf(armored: string): Uint8Array {
  const malformed = 'the armored signature cannot be read';
  const lines = armored.trimEnd().split('\n');
  demand(
    armored.length <= MAX_ARMOR && lines[0] === BEGIN && lines.at(-1) === END && lines.length > 2,
    'SSH_SIGNATURE_MALFORMED',
    malformed,
  );
  const text = lines.slice(1, -1).join('');
  demand(/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0, 'SSH_SIGNATURE_MALFORMED', malformed);
  const reader = readBytes(decodeBase64(text), 'SSH_SIGNATURE_MALFORMED', 'the armored signature');
  demand(equalBytes(reader.bytes(6), encodeUtf8(MAGIC)), 'SSH_SIGNATURE_MALFORMED', malformed);
  demand(equalBytes(reader.bytes(4), u32(VERSION)), 'SSH_SIGNATURE_MALFORMED', malformed);
  for (let field = 0; field < 4; field++) reader.prefixed(1024);
  const blob = reader.prefixed(1024);
  reader.end();
  return blob;
}

/**
 * Whether an armored signature is that of a key over a statement, and says nothing else: another spelling of the same is
 * refused, as a signature is one text.
 */
export function verifySshsig(groupKey: Uint8Array, statement: SshsigStatement, armored: Uint8Array): boolean {
  try {
    const text = decodeUtf8(armored).replaceAll('\r\n', '\n');
    const signature = rawSshSignature(sshSignatureBlobOf(text));
    if (signature === null || armorSshsig(groupKey, statement, signature) !== `${text.trimEnd()}\n`)
      return false;
    return verifySignature('ed25519', groupKey, sshsigToSign(statement), signature);
  } catch (error) {
    if (error instanceof CkmError) return false;
    throw error;
  }
}

function decodeBase64(text: string): Uint8Array {
  try {
    return base64.decode(text);
  } catch {
    return new Uint8Array();
  }
}

/** The statement an agent was asked to sign, or `null` when the data is none. @throws EncodingError */
export function parseSshsigToSign(
  data: Uint8Array,
): { namespace: Uint8Array; hash: string; digest: Uint8Array } | null {
  const magic = encodeUtf8(MAGIC);
  if (data.length < magic.length || !equalBytes(data.subarray(0, magic.length), magic)) return null;
  const reader = readBytes(
    data.subarray(magic.length),
    'SSH_CHALLENGE_MALFORMED',
    'the SSH signature request',
  );
  const namespace = reader.prefixed(64);
  demand(
    reader.prefixed(64).length === 0,
    'SSH_CHALLENGE_MALFORMED',
    'the SSH signature request uses a reserved field',
  );
  const hash = String.fromCharCode(...reader.prefixed(16));
  const digest = reader.prefixed(64);
  reader.end();
  return { namespace, hash, digest };
}
