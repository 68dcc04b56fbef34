import { encodeUtf8, equalBytes } from '@ckm/foundation';
import { DRILL_PREFIX } from '../drill/text.js';
import { readableText } from '../text/content.js';
import { DOMAIN_PREFIX } from './domain.js';

type Recognise = (bytes: Uint8Array) => boolean;

function startsWith(bytes: Uint8Array, text: string): boolean {
  const prefix = encodeUtf8(text);
  return bytes.length >= prefix.length && equalBytes(bytes.subarray(0, prefix.length), prefix);
}

function u32At(bytes: Uint8Array, at: number): number {
  return bytes.length < at + 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** RFC 4252 §7: a session id of 16 to 64 bytes, then message number 50. */
function isSshUserauth(bytes: Uint8Array): boolean {
  const length = u32At(bytes, 0);
  return length >= 16 && length <= 64 && bytes[4 + length] === 50;
}

/** A length-prefixed name that starts with `ssh-`: a certificate, or a host key proof. */
function isSshStructure(bytes: Uint8Array): boolean {
  const length = u32At(bytes, 0);
  if (length < 4 || length > 64) return false;
  const name = bytes.subarray(4, 4 + length);
  return ['ssh-', 'ecdsa-', 'sk-', 'rsa-', 'hostkeys-'].some((prefix) => startsWith(name, prefix));
}

/** A DER SEQUENCE of exactly this length: what X.509, CRLs, OCSP and CSRs sign. */
function isDerSequence(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30 || bytes.length < 2) return false;
  const first = bytes[1]!;
  if (first < 0x80) return bytes.length === 2 + first;
  const width = first & 0x7f;
  if (width < 1 || width > 4 || bytes.length < 2 + width) return false;
  let length = 0;
  for (let i = 0; i < width; i++) length = length * 256 + bytes[2 + i]!;
  return bytes.length === 2 + width + length;
}

/** BIP-340: SHA-256 of a tag, twice. No tag in use hashes to text, but a line of 64 dashes repeats itself too. */
function isTaggedPreimage(bytes: Uint8Array): boolean {
  if (bytes.length < 64 || readableText(bytes) !== null) return false;
  return equalBytes(bytes.subarray(0, 32), bytes.subarray(32, 64));
}

const DOT = 0x2e;

function isBase64Url(byte: number): boolean {
  return /[\w-]/.test(String.fromCharCode(byte));
}

/** RFC 7515 §5.1: header and payload in base64url, one dot between; a header starts with `{"`. */
function isJwsInput(bytes: Uint8Array): boolean {
  if (!startsWith(bytes, 'eyJ')) return false;
  const dots = bytes.reduce((count, byte) => count + (byte === DOT ? 1 : 0), 0);
  return dots === 1 && bytes.every((byte) => byte === DOT || isBase64Url(byte));
}

const GIT_HEADERS = ['tree ', 'object ', 'parent ', 'commit ', 'tag ', 'blob '];

/** What a raw signature must never be able to mean, and how to tell. */
const PROTOCOLS: readonly (readonly [string, Recognise])[] = [
  ['a message with a domain', (bytes) => startsWith(bytes, DOMAIN_PREFIX)],
  ['a recovery drill', (bytes) => startsWith(bytes, DRILL_PREFIX)],
  ['an SSH signature', (bytes) => startsWith(bytes, 'SSHSIG')],
  ['an SSH revocation list', (bytes) => startsWith(bytes, 'SSHKRL')],
  ['an SSH login', isSshUserauth],
  ['an SSH certificate', isSshStructure],
  ['a git object', (bytes) => GIT_HEADERS.some((header) => startsWith(bytes, header))],
  ['a certificate (DER)', isDerSequence],
  ['a BIP-340 tagged hash', isTaggedPreimage],
  ['a TLS 1.3 handshake', (bytes) => startsWith(bytes, ' '.repeat(64))],
  ['a JSON web signature', isJwsInput],
];

/** The protocol in which these bytes, signed as they are, would be a statement; `null` for none we know. */
export function anotherProtocol(bytes: Uint8Array): string | null {
  return PROTOCOLS.find(([, recognise]) => recognise(bytes))?.[0] ?? null;
}
