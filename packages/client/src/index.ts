export { CLIENT_CODES, type ClientCode } from './codes.js';
// seed
export { SEED_BYTES, SEED_WORDS, seedToWords, wordsToSeed } from './seed/words.js';
export { identityForServer } from './seed/identity.js';
export { seedToUr, urToSeed } from './seed/ur.js';
// store
export type { ClientStore } from './store/client-store.js';
export { indexedDbStore } from './store/indexed-db-store.js';
export { memoryStore } from './store/memory-store.js';
// transport
export { fetchTransport } from './transport/fetch-transport.js';
export {
  MAX_REPLY_BYTES,
  parseServerUrl,
  type Transport,
  type TransportReply,
  type TransportRequest,
} from './transport/transport.js';
