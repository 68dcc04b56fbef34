import { compareBytes, tagSchnorr } from '@scure/btc-signer/utils.js';
import { encodeSize } from './bytes.js';

/** A script that can spend a taproot output, and how deep in the tree it stands. */
export interface ScriptLeaf {
  readonly depth: number;
  readonly version: number;
  readonly script: Uint8Array;
}

/** Source: BIP-341, "Script validation rules" */
export function tapLeafHash(script: Uint8Array, version: number): Uint8Array {
  return tagSchnorr('TapLeaf', Uint8Array.of(version), encodeSize(script.length), script);
}

/** The hash above two others, whichever of them comes first. Source: BIP-341, "Script validation rules" */
export function tapBranchHash(one: Uint8Array, other: Uint8Array): Uint8Array {
  return compareBytes(one, other) < 0
    ? tagSchnorr('TapBranch', one, other)
    : tagSchnorr('TapBranch', other, one);
}

/**
 * What an output commits to of its scripts.
 * @param leaves of a whole tree, each left branch before the right one
 * Source: BIP-371, "PSBT_OUT_TAP_TREE"
 */
export function merkleRootOf(leaves: readonly ScriptLeaf[]): Uint8Array {
  const waiting: { readonly depth: number; readonly hash: Uint8Array }[] = [];
  for (const { depth, version, script } of leaves) {
    let node = { depth, hash: tapLeafHash(script, version) };
    while (waiting.at(-1)?.depth === node.depth) {
      node = { depth: node.depth - 1, hash: tapBranchHash(waiting.pop()!.hash, node.hash) };
    }
    waiting.push(node);
  }
  return waiting[0]!.hash;
}
