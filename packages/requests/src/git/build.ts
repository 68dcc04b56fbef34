import { concatBytes, decodeUtf8, encodeUtf8 } from '@ckm/foundation';
import { encodePayload } from '../wire/payload.js';
import { parseGitObject } from './parse.js';

/**
 * The payload for a commit or tag, given as git hands it to a signing program: the object without any signature and
 * without `commit 123\0` in front. @throws EncodingError what `parseGit` would refuse
 */
export function buildGitRequest(object: Uint8Array): Uint8Array {
  parseGitObject(object);
  return encodePayload(object);
}

/**
 * The signed object, for whoever writes it to the repository itself: a commit gets a `gpgsig` header, a tag ends in
 * its signature. `armored` is the artefact of the request. (With SHA-256 repositories git names the header
 * `gpgsig-sha256`.) Source: git Documentation/gitformat-signature
 */
export function embedGitSignature(object: Uint8Array, armored: Uint8Array): Uint8Array {
  const parsed = parseGitObject(object);
  if (parsed.type === 'tag') return concatBytes(object, armored);
  const header = parsed.tree.length === 64 ? 'gpgsig-sha256' : 'gpgsig';
  const lines = decodeUtf8(armored).trimEnd().split('\n').join('\n ');
  const end = endOfHeaders(object);
  return concatBytes(object.subarray(0, end), encodeUtf8(`\n${header} ${lines}`), object.subarray(end));
}

function endOfHeaders(object: Uint8Array): number {
  let at = object.indexOf(0x0a);
  while (object[at + 1] !== 0x0a) at = object.indexOf(0x0a, at + 1);
  return at;
}
