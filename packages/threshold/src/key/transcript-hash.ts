import { taggedHash } from '../hash/index.js';

/**
 * Names one epoch of a key by 32 bytes: the hash of the transcript T that all its servers signed. The signatures are
 * not in it: each signer can make further valid ones, so a name made of them would not be the same for everybody.
 * @param transcript the bytes that every static key signed
 */
export function hashTranscript(transcript: Uint8Array): Uint8Array {
  return taggedHash('CKM/key/transcript/v1', transcript);
}
