import { HDKey } from '@scure/bip32';
import { materialInvalid } from './key-material.js';

/** A private key on the way down a path. Whoever has it wipes both. */
export interface PrivateNode {
  /** 32 bytes, big-endian. */
  readonly scalar: Uint8Array;
  /** 32 bytes */
  readonly chainCode: Uint8Array;
}

/** An extended private key as it is written, and where it stands. */
export interface ReadNode {
  readonly node: HDKey;
  /** `xprv`; else `tprv`, of a test network. */
  readonly isMain: boolean;
}

const HARDENED = 0x8000_0000;
const DEEPEST = 10;
const PATH = /^m((?:\/[0-9]{1,10}['hH]?)*)$/;
/** Source: BIP-32, "Serialization format" */
const VERSIONS = {
  main: { private: 0x0488ade4, public: 0x0488b21e },
  test: { private: 0x04358394, public: 0x043587cf },
} as const;

/**
 * Reads a path with hardened steps, as wallets write it: `m/86'/0'/0'`.
 * @throws EncodingError `KEY_MATERIAL_INVALID`
 */
export function parsePrivatePath(text: string): readonly number[] {
  const steps = PATH.exec(text)?.[1]?.split('/').slice(1);
  if (steps === undefined || steps.length > DEEPEST) throw materialInvalid(`${text} is no path of a key`);
  return steps.map((step) => {
    const index = Number.parseInt(step, 10);
    if (index >= HARDENED) throw materialInvalid(`${text} is no path of a key`);
    return /['hH]$/.test(step) ? index + HARDENED : index;
  });
}

/** @param seed 16 to 64 bytes. Source: BIP-32, "Master key generation" */
export function masterNode(seed: Uint8Array): HDKey {
  return HDKey.fromMasterSeed(seed);
}

/** Reads `xprv…` or `tprv…`; null for anything else, and for one that is mistyped or cut. */
export function readNode(text: string): ReadNode | null {
  const isMain = text.startsWith('x');
  try {
    const node = HDKey.fromExtendedKey(text, isMain ? VERSIONS.main : VERSIONS.test);
    return node.privateKey === null ? null : { node, isMain };
  } catch {
    return null;
  }
}

/**
 * The key at a path below a node, which is wiped with all between them.
 * @throws EncodingError `KEY_MATERIAL_INVALID` for a path that leads nowhere
 */
export function deriveNode(from: HDKey, path: readonly number[]): PrivateNode {
  let at = from;
  try {
    for (const index of path) {
      const child = at.deriveChild(index);
      at.wipePrivateData();
      // The library goes on to the next index where one (of 2¹²⁷) has no key: that is another path than was named.
      if (child.index !== index) throw unusable();
      at = child;
    }
    return { scalar: at.privateKey!, chainCode: at.chainCode! };
  } finally {
    at.wipePrivateData();
  }
}

function unusable() {
  return materialInvalid('no key lies at this path: take the next account');
}
