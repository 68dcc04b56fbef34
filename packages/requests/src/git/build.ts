import { concatBytes, decodeUtf8, encodeUtf8 } from '@ckm/foundation';
import { refusal } from '../errors.js';
import { encodePayload } from '../wire/payload.js';
import { latin1Bytes, readLatin1 } from './encoding.js';
import { parseGitObject } from './parse.js';

/**
 * The payload for a commit, tag or push certificate, given as git hands it to a signing program: the object without any
 * signature and without `commit 123\0` in front. @throws EncodingError what `parseGit` would refuse
 */
export function buildGitRequest(object: Uint8Array): Uint8Array {
  parseGitObject(object);
  return encodePayload(object);
}

/**
 * The signed object, for whoever writes it to the repository itself: a commit gets a `gpgsig` header, all
 * else ends in its signature. `armored` is the artefact of the request. (With SHA-256 repositories git names the header
 * `gpgsig-sha256`.) Source: git Documentation/gitformat-signature
 */
export function embedGitSignature(object: Uint8Array, armored: Uint8Array): Uint8Array {
  const parsed = parseGitObject(object);
  if (parsed.type !== 'commit') return concatBytes(object, armored);
  const header = parsed.tree.length === 64 ? 'gpgsig-sha256' : 'gpgsig';
  const lines = decodeUtf8(armored).trimEnd().split('\n').join('\n ');
  const end = endOfHeaders(object);
  return concatBytes(object.subarray(0, end), encodeUtf8(`\n${header} ${lines}`), object.subarray(end));
}

/**
 * A signed commit, tag or push certificate, taken apart again: the object as it was signed, and the armored signature. Null: it holds no SSH
 * signature. @throws EncodingError `GIT_OBJECT_MALFORMED`
 */
export function splitGitSignature(
  signed: Uint8Array,
): { readonly object: Uint8Array; readonly armored: Uint8Array } | null {
  const end = endOfHeaders(signed);
  const lines = readLatin1(signed.subarray(0, end)).split('\n');
  const first = lines.findIndex((line) => /^gpgsig(?:-sha256)? -----BEGIN SSH SIGNATURE-----$/.test(line));
  if (first >= 0) {
    const after = lines.findIndex((line, i) => i > first && !line.startsWith(' '));
    const last = after < 0 ? lines.length : after;
    const armored = lines
      .slice(first, last)
      .map((line, i) => line.slice(i === 0 ? line.indexOf(' ') + 1 : 1));
    const left = [...lines.slice(0, first), ...lines.slice(last)].join('\n');
    return {
      object: concatBytes(latin1Bytes(left), signed.subarray(end)),
      armored: latin1Bytes(`${armored.join('\n')}\n`),
    };
  }
  const at = readLatin1(signed).lastIndexOf('\n-----BEGIN SSH SIGNATURE-----\n');
  return at < end ? null : { object: signed.slice(0, at + 1), armored: signed.slice(at + 1) };
}

function endOfHeaders(object: Uint8Array): number {
  let at = object.indexOf(0x0a);
  while (at >= 0 && object[at + 1] !== 0x0a) at = object.indexOf(0x0a, at + 1);
  if (at >= 0) return at;
  throw refusal('GIT_OBJECT_MALFORMED', 'the git object has no end of its headers');
}
