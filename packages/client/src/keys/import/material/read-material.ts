import { decodeHex, equalBytes, wipe } from '@ckm/foundation';
import { groupNamed, groupOfSuite, type SuiteName } from '@ckm/threshold';
import {
  looksLikeWords,
  readSingle,
  readWalletSeed,
  readWords,
  readXprv,
  type WalletOptions,
} from './bitcoin-material.js';
import {
  type KeyFormat,
  type KeyMaterial,
  materialAmbiguous,
  materialInvalid,
  materialOf,
  materialOfSeed,
  materialUnsupported,
} from './key-material.js';
import { looksLikeOpenssh, readOpenssh } from './openssh.js';

/** What a private key is read for. */
export interface MaterialOptions extends WalletOptions {
  readonly purpose: string;
  /** Of the key that shall come of it. */
  readonly suite: SuiteName;
  /** What it is said to be; null: it is told by itself, where it can be only one. */
  readonly format: KeyFormat | null;
}

const BITCOIN = 'bitcoin';
const WIF = /^[5KLc9][1-9A-HJ-NP-Za-km-z]{50,51}$/;
const NAMES: Readonly<Record<KeyFormat, string>> = {
  words: 'words of a wallet',
  xprv: 'an extended private key',
  wif: 'a single private key of Bitcoin',
  openssh: 'a file of OpenSSH',
  seed: 'hex digits',
  scalar: 'hex digits',
};

/**
 * Reads a private key, whatever common form it has, and refuses in words what cannot be taken over. Nothing is written anywhere, and
 * nothing is guessed: what may be two keys is asked for.
 * @param bytes of a file; wiped by the caller
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`, `KEY_MATERIAL_AMBIGUOUS`, `KEY_MATERIAL_LOCKED`
 */
export function readMaterial(bytes: Uint8Array, options: MaterialOptions): KeyMaterial {
  const text = textOf(bytes);
  const format = formatOf(text, options);
  assertUsed(format, options);
  return READERS[format](text, options);
}

const READERS: Readonly<Record<KeyFormat, (text: string, options: MaterialOptions) => KeyMaterial>> = {
  words: (text, options) => readWords(words(text), options),
  xprv: readXprv,
  wif: (text, { network }) => readSingle(text, network),
  openssh: (text, options) => assertSuite(readOpenssh(text), options),
  seed: readSeed,
  scalar: readScalar,
};

function formatOf(text: string, { format, purpose, suite }: MaterialOptions): KeyFormat {
  const found = looksLike(text);
  if (found === null) throw unknown(text, purpose);
  if (found !== 'hex') {
    if (format !== null && format !== found)
      throw materialInvalid(`this is ${NAMES[found]}, and not ${NAMES[format]}`);
    const isWallet = found !== 'openssh';
    if (isWallet && purpose !== BITCOIN)
      throw materialUnsupported(`${NAMES[found]} is for bitcoin`, 'import it for bitcoin');
    return found;
  }
  if (format === 'seed' || format === 'scalar') return format;
  if (format !== null) throw materialInvalid(`these are hex digits, and not ${NAMES[format]}`);
  if (purpose !== BITCOIN && !HASHED_SEEDS.has(suite)) return 'scalar';
  throw materialAmbiguous(
    'hex digits may be the seed that a key is made from, or the number itself that signs: those are two keys',
    'say which: a seed, as most programs mean it, or the scalar',
  );
}

/** A private key of these is more often the seed from which the scalar is hashed. */
const HASHED_SEEDS: ReadonlySet<string> = new Set(['ed25519', 'ristretto255']);

function looksLike(text: string): KeyFormat | 'hex' | null {
  if (looksLikeOpenssh(text)) return 'openssh';
  if (/^[a-z]prv/i.test(text)) return 'xprv';
  if (looksLikeWords(words(text))) return 'words';
  if (WIF.test(text)) return 'wif';
  return /^[0-9a-f]+$/i.test(text) ? 'hex' : null;
}

function unknown(text: string, purpose: string) {
  if (text.startsWith('-----BEGIN'))
    return materialUnsupported(
      'this kind of key file is not known here',
      'turn it into an OpenSSH file (ssh-keygen -p -f COPY), or into hex digits',
    );
  return materialInvalid(
    purpose === BITCOIN
      ? 'these are neither the words of a wallet nor a private key of one'
      : 'this is no private key in a form that is known here',
  );
}

/** What would do nothing is refused: somebody relies on it. */
function assertUsed(format: KeyFormat, { purpose, path, passphrase }: MaterialOptions): void {
  const isTree = format === 'words' || format === 'xprv' || (format === 'seed' && purpose === BITCOIN);
  if (path !== null && !isTree)
    throw materialUnsupported(`${NAMES[format]} has no path`, 'leave the path out');
  if (passphrase !== null && format !== 'words')
    throw materialUnsupported(
      `${NAMES[format]} has no such passphrase: it is a part of the words of a wallet`,
      'leave the passphrase of the words out',
    );
}

function words(text: string): string {
  return text.toLowerCase().split(/\s+/).join(' ');
}

function readSeed(text: string, options: MaterialOptions): KeyMaterial {
  const { purpose, suite } = options;
  if (purpose === BITCOIN) return readWalletSeed(text, options);
  if (suite !== 'ed25519')
    throw materialUnsupported(
      `a key of ${suite} is made from no seed that is known here`,
      'import the scalar itself',
    );
  return readEd25519Seed(text);
}

const SEED_DIGITS = 64;

/** The seed, or seed and public key, as libsodium keeps them. */
function readEd25519Seed(text: string): KeyMaterial {
  if (text.length !== SEED_DIGITS && text.length !== 2 * SEED_DIGITS)
    throw materialInvalid(
      `the seed of an Ed25519 key has 64 hex digits, or 128 with its public key, not ${text.length}`,
    );
  const bytes = decodeHex(text.toLowerCase());
  try {
    const material = materialOfSeed(bytes.subarray(0, 32), 'seed');
    if (bytes.length === 32 || equalBytes(bytes.subarray(32), material.groupKey)) return material;
    wipe(material.secret);
    throw materialInvalid('the second half of these hex digits is not the public key of the first');
  } finally {
    bytes.fill(0);
  }
}

/** The scalar itself, in the encoding of its suite: little-endian for ed25519 and ristretto255, else big-endian. */
function readScalar(text: string, { suite }: MaterialOptions): KeyMaterial {
  const { byteLength } = groupNamed(groupOfSuite(suite)).scalars;
  if (text.length !== 2 * byteLength)
    throw materialInvalid(`a private key of ${suite} has ${2 * byteLength} hex digits, not ${text.length}`);
  const none = { format: 'scalar', chainCode: null, path: null } as const;
  return materialOf(suite, decodeHex(text.toLowerCase()), none);
}

function assertSuite(material: KeyMaterial, { suite, purpose }: MaterialOptions): KeyMaterial {
  if (material.suite === suite) return material;
  wipe(material.secret);
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
