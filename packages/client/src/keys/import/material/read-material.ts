import { decodeHex } from '@ckm/foundation';
import { groupNamed, groupOfSuite, type SuiteName } from '@ckm/threshold';
import { looksLikeWords, readWords, readXprv, type WalletOptions } from './bitcoin-material.js';
import { type KeyMaterial, materialInvalid, materialOf, materialUnsupported } from './key-material.js';
import { looksLikeOpenssh, readOpenssh } from './openssh.js';

/** What a private key is read for. */
export interface MaterialOptions extends WalletOptions {
  readonly purpose: string;
  /** Of the key that shall come of it. */
  readonly suite: SuiteName;
}

const BITCOIN = 'bitcoin';
const WIF = /^[5KLc9][1-9A-HJ-NP-Za-km-z]{50,51}$/;

/**
 * Reads a private key, whatever common form it has, and refuses in words what cannot be taken over. Nothing is written anywhere.
 * @param bytes of a file; wiped by the caller
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`
 */
export function readMaterial(bytes: Uint8Array, options: MaterialOptions): KeyMaterial {
  const text = textOf(bytes);
  if (looksLikeOpenssh(text)) return assertSuite(readOpenssh(text), options);
  if (text.startsWith('-----BEGIN'))
    throw materialUnsupported(
      'this kind of key file is not known here',
      'turn it into an OpenSSH file (ssh-keygen -p -f COPY), or into hex digits',
    );
  if (options.purpose === BITCOIN) return readWallet(text, options);
  if (/^[a-z]prv/i.test(text) || looksLikeWords(words(text)))
    throw materialUnsupported('words and extended keys are of a wallet', 'import them for bitcoin');
  if (/^[0-9a-f]+$/i.test(text)) return readRaw(text, options.suite);
  throw materialInvalid('this is no private key in a form that is known here');
}

function readWallet(text: string, options: MaterialOptions): KeyMaterial {
  if (/^[a-z]prv/i.test(text)) return readXprv(text, options);
  if (looksLikeWords(words(text))) return readWords(words(text), options);
  if (WIF.test(text) || /^[0-9a-f]{64}$/i.test(text))
    throw materialUnsupported(
      'a single private key has no chain code: a wallet of addresses cannot be made of it',
      'send what it holds to a new key for bitcoin',
    );
  throw materialInvalid('these are neither the words of a wallet nor an extended private key');
}

function words(text: string): string {
  return text.toLowerCase().split(/\s+/).join(' ');
}

/** The scalar itself, in the encoding of its suite: little-endian for ed25519, else big-endian. */
function readRaw(text: string, suite: SuiteName): KeyMaterial {
  const { byteLength } = groupNamed(groupOfSuite(suite)).scalars;
  if (text.length !== 2 * byteLength)
    throw materialInvalid(`a private key of ${suite} has ${2 * byteLength} hex digits, not ${text.length}`);
  return materialOf(suite, decodeHex(text.toLowerCase()), { format: 'raw', chainCode: null, path: null });
}

function assertSuite(material: KeyMaterial, { suite, purpose }: MaterialOptions): KeyMaterial {
  if (material.suite === suite) return material;
  throw materialUnsupported(
    `an SSH key is of ${material.suite}, and a key for ${purpose} of ${suite}`,
    'import it for ssh',
  );
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch {
    throw materialInvalid('this file is no text');
  }
}
