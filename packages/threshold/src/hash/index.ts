export { hash, type HashName, taggedHash } from './tagged.js';
export { HASH_TAGS, type HashTag } from './tags.js';
