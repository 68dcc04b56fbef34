import { EncodingError, UsageError } from '@ckm/foundation';
import type { KeyContext } from '@ckm/requests';
import { parsePublicKeyLine } from '../ssh/public-key-file.js';

/** Behind algorithm and length of an SSH public key blob. */
const SSH_HEAD_BYTES = 19;

/**
 * Any Ed25519 public key, as far as a signature is checked under it: what nobody's seed is needed for. Other suites are
 * checked with the key on record (`--key`).
 * @param text 64 hex digits, or an SSH line
 * @throws EncodingError `PUBLIC_KEY_INVALID`, `SSH_PUBLIC_KEY_INVALID`; UsageError `OPTION_INVALID`
 */
export function publicKeyContext(kind: string, text: string): KeyContext {
  if (kind === 'bitcoin') {
    throw new UsageError('--public checks messages, SSH signatures, commits and tags', {
      code: 'OPTION_INVALID',
      hint: 'every Bitcoin node checks a transaction; for a PSBT name your key with --key',
    });
  }
  const groupKey = readGroupKey(text.trim());
  const suite = 'ed25519';
  const quorum = { needed: 1, of: 1 };
  // Of the whole public half a signature is checked under the group key alone.
  const half = { commitment: [groupKey], verifyingShares: [], chainCode: new Uint8Array(32) };
  return { suite, purpose: kind === 'git' ? 'ssh' : kind, public: { suite, quorum, groupKey, ...half } };
}

function readGroupKey(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/i.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  if (text.startsWith('ssh-')) return parsePublicKeyLine(text, '--public').subarray(SSH_HEAD_BYTES);
  throw new EncodingError('this is not an Ed25519 public key: neither 64 hex digits nor an SSH line', {
    code: 'PUBLIC_KEY_INVALID',
    hint: 'copy what its owner gets from: ckm key show NAME --public',
  });
}
