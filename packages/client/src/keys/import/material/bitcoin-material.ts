import { decodeHex } from '@ckm/foundation';
import { type BitcoinNetwork, readWif } from '@ckm/requests';
import type { HDKey } from '@scure/bip32';
import { mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { deriveNode, masterNode, parsePrivatePath, readNode } from './bip32.js';
import {
  type KeyFormat,
  type KeyMaterial,
  materialInvalid,
  materialOf,
  materialUnsupported,
} from './key-material.js';

/** What a wallet of a person is read with. */
export interface WalletOptions {
  readonly network: BitcoinNetwork;
  /** From what is read to the account; null: the first account for Taproot (BIP-86). */
  readonly path: string | null;
  /** Of the words (BIP-39); null: there is none. */
  readonly passphrase: string | null;
}

const SUITE = 'secp256k1-tr';
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
  const seed = mnemonicToSeedSync(text, options.passphrase ?? '');
  try {
    return materialAt('words', masterNode(seed), options.path ?? accountPath(options.network));
  } finally {
    seed.fill(0);
  }
}

const SHORTEST_SEED = 16;
const LONGEST_SEED = 64;

/** The account of a wallet whose seed (BIP-32) is given in hex digits. @throws EncodingError `KEY_MATERIAL_INVALID` */
export function readWalletSeed(text: string, { network, path }: WalletOptions): KeyMaterial {
  const bytes = text.length / 2;
  if (!Number.isInteger(bytes) || bytes < SHORTEST_SEED || bytes > LONGEST_SEED)
    throw materialInvalid(`the seed of a wallet has 32 to 128 hex digits, not ${text.length}`);
  const seed = decodeHex(text.toLowerCase());
  try {
    return materialAt('seed', masterNode(seed), path ?? accountPath(network));
  } finally {
    seed.fill(0);
  }
}

/**
 * The account of an extended private key: one that is a master key is followed to the account, one of an account is it.
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`
 * Source: BIP-32, "Serialization format"
 */
export function readXprv(text: string, { network, path }: WalletOptions): KeyMaterial {
  if (OTHER_VERSIONS.test(text))
    throw materialUnsupported(
      'this extended key is of a wallet for other addresses than Taproot’s',
      'export the account for Taproot (m/86’/…), or send the coins to a new key',
    );
  const read = readNode(text);
  if (read === null) throw materialInvalid('this extended private key is mistyped or cut');
  try {
    assertNetwork(read.isMain, network, 'this extended key');
    return materialAt('xprv', read.node, path ?? pathFrom(read.node.depth, network));
  } finally {
    read.node.wipePrivateData();
  }
}

/**
 * A single private key: a wallet of one Taproot address.
 * @throws EncodingError `KEY_MATERIAL_INVALID`; UsageError `KEY_MATERIAL_UNSUPPORTED`
 */
export function readSingle(text: string, network: BitcoinNetwork): KeyMaterial {
  const read = readWif(text);
  if (read === null) throw materialInvalid('this private key is mistyped or cut');
  try {
    assertNetwork(read.isMain, network, 'this private key');
    if (!read.isCompressed)
      throw materialUnsupported(
        'this private key is of an old kind, for addresses that begin with 1 alone',
        'send what it holds to a new key for bitcoin',
      );
    return materialOf(SUITE, read.key.slice(), { format: 'wif', chainCode: null, path: null });
  } finally {
    read.key.fill(0);
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

function assertNetwork(isMain: boolean, network: BitcoinNetwork, what: string): void {
  if (isMain === (network === 'bitcoin')) return;
  throw materialUnsupported(
    `${what} is for ${isMain ? 'bitcoin' : 'a test network'}, not for ${network}`,
    'name the network of the wallet',
  );
}

function materialAt(format: KeyFormat, from: HDKey, path: string): KeyMaterial {
  try {
    const { scalar, chainCode } = deriveNode(from, parsePrivatePath(path));
    return materialOf(SUITE, scalar, { format, chainCode, path });
  } finally {
    from.wipePrivateData();
  }
}
