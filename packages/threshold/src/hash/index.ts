export { hash, type HashName, taggedHash, taggedHash64 } from './tagged.js';
export { HASH_TAGS, type HashTag } from './tags.js';
