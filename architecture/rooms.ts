/**
 * Who may import whom, as data. `ours`: the rooms a package may import. `theirs`: the libraries it may import.
 * `node`: whether it may use Node's own modules; where not, only the files named in `nodeFiles` may (they are chosen by
 * a package `imports` condition, so that a browser never sees them).
 */
export const ROOMS: Record<
  string,
  { ours: readonly string[]; theirs: readonly string[]; node: boolean; nodeFiles?: readonly RegExp[] }
> = {
  foundation: { ours: [], theirs: [], node: false, nodeFiles: [/foundation\/src\/node\//] },
  threshold: {
    ours: ['foundation'],
    theirs: [
      '@noble/',
      '@scure/base',
      'sodium-native',
      'libsodium-wrappers-sumo',
      'secp256k1',
      'tiny-secp256k1',
    ],
    node: false,
    nodeFiles: [/group\/backends\//],
  },
  gordian: {
    ours: ['foundation'],
    theirs: ['@blockchaincommons/', '@noble/', '@scure/bip39', 'sodium-native'],
    node: false,
  },
  requests: {
    ours: ['foundation', 'threshold', 'gordian'],
    theirs: ['@scure/btc-signer', '@scure/base', '@noble/'],
    node: false,
  },
  api: { ours: ['foundation', 'threshold', 'gordian', 'requests'], theirs: ['zod', '@noble/'], node: false },
  client: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api'],
    theirs: ['@noble/', '@scure/bip32', '@scure/bip39', 'bcrypt-pbkdf'],
    node: false,
    nodeFiles: [/carrier\/node-carrier/, /client\/src\/node\//],
  },
  server: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api'],
    theirs: [
      'hono',
      '@hono/',
      'kysely',
      'better-sqlite3',
      'pg',
      'nodemailer',
      'pino',
      'prom-client',
      'zod',
      '@noble/',
      'sodium-native',
    ],
    node: true,
  },
  cli: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server'],
    theirs: ['commander', '@clack/prompts', '@noble/', 'qr'],
    node: true,
  },
  testkit: {
    ours: ['foundation', 'threshold', 'gordian', 'requests', 'api', 'client', 'server', 'cli'],
    theirs: [
      '@noble/',
      'pg',
      'better-sqlite3',
      'kysely',
      'hono',
      '@hono/',
      'playwright-core',
      '@scure/',
      'vitest',
    ],
    node: true,
  },
};

/** Files directly in `server/src` that every room of the server may use: they need none of them to be understood. */
export const SERVER_LEAVES: readonly string[] = ['clock', 'context', 'events', 'random', 'refusals'];

/**
 * Inside the server: who may import whom, folder by folder. `http` never opens a transaction; `storage` knows nothing
 * of HTTP, keys or people; only `sessions` and `crafts` advance a protocol; `server` puts it all together.
 */
export const SERVER_ROOMS: Record<string, readonly string[]> = {
  turns: [],
  storage: [],
  vault: ['storage'],
  config: ['accounts'],
  notices: ['audit', 'config', 'vault'],
  outbox: ['audit', 'config', 'notices', 'storage', 'vault'],
  backup: ['storage', 'vault', 'audit', 'config'],
  accounts: ['storage', 'turns', 'vault'],
  audit: ['storage', 'vault'],
  deposits: ['accounts', 'storage', 'vault'],
  devices: ['accounts', 'sessions', 'storage', 'vault'],
  'ways-back': ['accounts', 'outbox', 'sessions', 'storage', 'vault'],
  policy: ['config', 'storage', 'vault'],
  http: ['config', 'turns'],
  messages: ['accounts', 'turns'],
  sessions: ['storage', 'vault', 'audit'],
  requests: ['storage', 'turns', 'vault', 'audit', 'policy', 'sessions', 'crafts', 'votes'],
  crafts: ['storage', 'sessions'],
  life: ['audit', 'sessions', 'storage', 'vault'],
  terms: ['audit', 'sessions', 'storage', 'vault', 'votes'],
  votes: ['audit', 'sessions', 'storage', 'vault'],
  control: ['accounts', 'audit', 'config', 'http', 'outbox', 'policy', 'storage'],
  server: [
    'accounts',
    'audit',
    'backup',
    'config',
    'control',
    'crafts',
    'deposits',
    'devices',
    'http',
    'life',
    'messages',
    'outbox',
    'policy',
    'requests',
    'sessions',
    'storage',
    'terms',
    'turns',
    'vault',
    'votes',
    'ways-back',
  ],
  testing: ['config', 'control', 'server', 'storage', 'vault'],
};

/**
 * Inside the two largest of these: their folders in order, each of which imports only from those before it. `.` is what lies in the room itself:
 * of `sessions` and of `sessions/changes` it is what their folders share, of `server` what stands on top and starts it all.
 */
export const SERVER_ORDER: Record<string, readonly string[]> = {
  sessions: [
    'keys/stored',
    'keys',
    'keys/counts',
    '.',
    'room',
    'drills',
    'session',
    'changes',
    'changes/chain',
    'changes/votes',
    'changes/forks',
    'changes/retire',
    'changes/epoch',
    'dkg',
    'changes/orders',
    'import',
    'repair',
    'reshare',
    'export',
    'functions',
  ],
  server: ['process', 'folder', 'database', 'secrets', 'setup', 'move', 'backups', '.'],
};

/** Third-party modules that touch libraries of secrets or sockets and therefore have exactly one room. */
export const ONE_ROOM: Record<string, RegExp> = {
  'sodium-native': /^(threshold\/src\/group\/backends|gordian\/src\/primitives|server\/src\/vault)\//,
  'libsodium-wrappers-sumo': /^threshold\/src\/group\/backends\//,
  secp256k1: /^threshold\/src\/group\/backends\//,
  'tiny-secp256k1': /^threshold\/src\/group\/backends\//,
  '@blockchaincommons/': /^gordian\/src\/cbor\//,
  'better-sqlite3': /^server\/src\/storage\//,
  pg: /^server\/src\/storage\//,
  nodemailer: /^server\/src\/outbox\//,
};
