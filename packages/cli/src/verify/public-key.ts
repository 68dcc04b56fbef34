import { EncodingError, UsageError } from '@ckm/foundation';
import { type KeyContext, requestKind } from '@ckm/requests';
import { groupNamed, groupOfSuite, type SuiteName } from '@ckm/threshold';
import { optionInvalid } from '../command-line/option-values.js';
import { parsePublicKeyLine } from '../ssh/public-key-file.js';

/** Behind algorithm and length of an SSH public key blob. */
const SSH_HEAD_BYTES = 19;

/** What an SSH line, or 64 hex digits without a word more, are the key of. */
const USUAL: SuiteName = 'ed25519';

/** BIP-340 also knows a public key by its x alone: the one with an even y. */
const EVEN_Y = 0x02;

/**
 * Any public key, as far as a signature is checked under it: what nobody's seed is needed for.
 * @param text hex, or an SSH line
 * @param named the suite, where it is said; nothing is guessed, because keys of several suites look alike
 * @throws EncodingError `PUBLIC_KEY_INVALID`, `SSH_PUBLIC_KEY_INVALID`; UsageError `OPTION_INVALID`
 */
export function publicKeyContext(kind: string, text: string, named: SuiteName | undefined): KeyContext {
  if (kind === 'bitcoin') {
    throw new UsageError('--public checks messages, SSH signatures, commits and tags', {
      code: 'OPTION_INVALID',
      hint: 'every Bitcoin node checks a transaction; for a PSBT name your key with --key',
    });
  }
  const suite = named ?? USUAL;
  if (!requestKind(kind).suites.includes(suite)) {
    throw optionInvalid(`no key of ${suite} makes such a signature`, 'leave --suite out');
  }
  const groupKey = readGroupKey(text.trim(), suite, named !== undefined);
  const quorum = { needed: 1, of: 1 };
  // Of the whole public half a signature is checked under the group key alone.
  const half = { commitment: [groupKey], verifyingShares: [], chainCode: new Uint8Array(32) };
  return { suite, purpose: kind === 'git' ? 'ssh' : kind, public: { suite, quorum, groupKey, ...half } };
}

function readGroupKey(text: string, suite: SuiteName, isNamed: boolean): Uint8Array {
  if (text.startsWith('ssh-') && suite === USUAL)
    return parsePublicKeyLine(text, '--public').subarray(SSH_HEAD_BYTES);
  const bytes = /^(?:[0-9a-f]{64}|0[23][0-9a-f]{64})$/i.test(text)
    ? new Uint8Array(Buffer.from(text, 'hex'))
    : undefined;
  const length = lengthOf(suite);
  if (bytes?.length === length) return bytes;
  if (bytes?.length === 32 && suite === 'secp256k1-tr') return Uint8Array.of(EVEN_Y, ...bytes);
  throw notAKey(suite, bytes !== undefined && !isNamed);
}

/** Bytes of a public key. */
function lengthOf(suite: SuiteName): number {
  return groupNamed(groupOfSuite(suite)).elementByteLength;
}

/** @param isOther it looks like one of another suite */
function notAKey(suite: SuiteName, isOther: boolean): EncodingError {
  const forms =
    suite === USUAL ? 'neither 64 hex digits nor an SSH line' : `not ${2 * lengthOf(suite)} hex digits`;
  return new EncodingError(`this is not a public key of ${suite}: ${forms}`, {
    code: 'PUBLIC_KEY_INVALID',
    hint: isOther
      ? 'name its suite: --suite secp256k1-tr (BIP-340), secp256k1 or P-256; its owner sees it with ckm key show NAME'
      : 'copy what its owner gets from: ckm key show NAME --public',
  });
}
