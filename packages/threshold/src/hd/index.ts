export type { DerivedKey } from './derived-key.js';
export { deriveChildren, deriveKey, NO_TWEAK, type Tweak } from './derive.js';
export {
  encodeExtendedPublicKey,
  EXTENDED_KEY_VERSIONS,
  type ExtendedKeyNetwork,
} from './extended-public-key.js';
export { DEEPEST_PATH, type DerivationPath, formatPath, parsePath } from './path.js';
export type { TaprootCommitment } from './taproot.js';
