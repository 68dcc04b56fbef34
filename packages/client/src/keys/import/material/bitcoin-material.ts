import { type BitcoinNetwork, type ExtendedPrivateKey, readExtendedPrivateKey } from '@ckm/requests';
import { mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { groupNamed, type SecretScalar } from '@ckm/threshold';
import { deriveNode, masterNode, parsePrivatePath, type PrivateNode } from './bip32.js';
import { type KeyMaterial, materialInvalid, materialOf, materialUnsupported } from './key-material.js';

/** What a wallet of a person is read with. */
export interface WalletOptions {
  readonly network: BitcoinNetwork;
  /** From what is read to the account; null: the first account for Taproot (BIP-86). */
  readonly path: string | null;
  /** Of the words (BIP-39); null: there is none. */
  readonly passphrase: string | null;
}

const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];
/** Other letters in front say for which addresses a wallet uses the key: none of them are Taproot's. */
const OTHER_VERSIONS = /^[yzuvYZUV]prv/;

/** Whether a text looks like words of a wallet. */
export function looksLikeWords(text: string): boolean {
  return WORD_COUNTS.includes(text.split(' ').length) && /^[a-z ]+$/.test(text);
}

/**
 * The account of a wallet whose words are given: its private key and chain code.
 * @param text words with single spaces between them
 * @throws EncodingError `KEY_MATERIAL_INVALID`
 * Source: BIP-39, BIP-86
 */
export function readWords(text: string, options: WalletOptions): KeyMaterial {
  if (!validateMnemonic(text, wordlist))
    throw materialInvalid(
      'these are not the words of a wallet: one is mistyped, missing, or in another place',
    );
  const path = options.path ?? accountPath(options.network);
  const seed = mnemonicToSeedSync(text, options.passphrase ?? '');
  try {
    return materialAt('words', masterNode(seed), path);
  } finally {
    seed.fill(0);
  }
}

/**
 * The account of an extended private key: one that is a master key is followed to the account, one of an account is it.
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`
 * Source: BIP-32, "Serialization format"
 */
export function readXprv(text: string, { network, path }: Omit<WalletOptions, 'passphrase'>): KeyMaterial {
  if (OTHER_VERSIONS.test(text))
    throw materialUnsupported(
      'this extended key is of a wallet for other addresses than Taproot’s',
      'export the account for Taproot (m/86’/…), or send the coins to a new key',
    );
  const { key, chainCode, depth } = openXprv(text, network);
  try {
    const wanted = path ?? pathFrom(depth, network);
    return materialAt('xprv', { scalar: scalarOf(key), chainCode: chainCode.slice() }, wanted);
  } finally {
    key.fill(0);
    chainCode.fill(0);
  }
}

const ACCOUNT_DEPTH = 3;

function pathFrom(depth: number, network: BitcoinNetwork): string {
  if (depth === 0) return accountPath(network);
  if (depth === ACCOUNT_DEPTH) return 'm';
  throw materialUnsupported(
    `this extended key is ${depth} steps below its master key, where no account is`,
    'name the path from it to the account: m/0, or m for the key itself',
  );
}

function accountPath(network: BitcoinNetwork): string {
  return `m/86'/${network === 'bitcoin' ? 0 : 1}'/0'`;
}

function openXprv(text: string, network: BitcoinNetwork): ExtendedPrivateKey {
  const read = readExtendedPrivateKey(text);
  if (read === null) throw materialInvalid('this extended private key is mistyped or cut');
  if (read.isMain === (network === 'bitcoin')) return read;
  read.key.fill(0);
  throw materialUnsupported(
    `this extended key is for ${read.isMain ? 'bitcoin' : 'a test network'}, not for ${network}`,
    'name the network of the wallet',
  );
}

function scalarOf(key: Uint8Array): SecretScalar {
  try {
    return groupNamed('secp256k1').scalars.parseSecret(key);
  } catch {
    throw materialInvalid('this extended private key holds no private key');
  }
}

function materialAt(format: 'words' | 'xprv', from: PrivateNode, path: string): KeyMaterial {
  const { scalar, chainCode } = deriveNode(from, parsePrivatePath(path));
  return materialOf('secp256k1-tr', scalar, { format, chainCode, path });
}
