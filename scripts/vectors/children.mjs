// Child keys of the keys in keys.json.
import { deriveKey } from '@ckm/threshold';

const PATHS = [[0], [1, 5], [2 ** 31 - 1]];

/** None of a suite whose keys have no children. */
export function childVectors({ suite, public: key }) {
  if (suite === 'ristretto255') return [];
  return PATHS.map((path) => {
    const { groupKey, chainCode } = deriveKey(key, { path, taproot: null });
    return {
      suite,
      parent: key.groupKey,
      chainCode: key.chainCode,
      path,
      child: groupKey,
      childChainCode: chainCode,
    };
  });
}
