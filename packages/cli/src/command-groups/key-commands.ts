import type { CommandNode } from '../command-line/command-node.js';

export const KEY: readonly CommandNode[] = [
  {
    name: 'create',
    summary: 'make a key together with your servers: it never exists in one place',
    load: async () => (await import('../commands/key/create.js')).keyCreateCommand(),
  },
  {
    name: 'import',
    summary: 'share out a private key that you have among your servers',
    load: async () => (await import('../commands/key/import.js')).keyImportCommand(),
  },
  {
    name: 'compare',
    summary: 'compare the likeness of a key with what operators see, and keep the outcome',
    load: async () => (await import('../commands/key/compare.js')).keyCompareCommand(),
  },
  {
    name: 'list',
    summary: 'your keys',
    load: async () => (await import('../commands/key/list.js')).keyListCommand(),
  },
  {
    name: 'show',
    summary: 'one key: likeness, public key, descriptor or SSH line, policy',
    load: async () => (await import('../commands/key/show.js')).keyShowCommand(),
  },
  {
    name: 'fetch',
    summary: 'get back the keys that servers hold of yours and that are not on record here',
    load: async () => (await import('../commands/key/fetch.js')).keyFetchCommand(),
  },
  {
    name: 'rename',
    summary: 'call a key otherwise; servers know no names',
    load: async () => (await import('../commands/key/rename.js')).keyRenameCommand(),
  },
  {
    name: 'forget',
    summary: 'take a key off your records here; servers keep their shares',
    load: async () => (await import('../commands/key/forget.js')).keyForgetCommand(),
  },
  {
    name: 'verify',
    summary: 'check the certificate again and ask every server for its copy',
    load: async () => (await import('../commands/key/verify.js')).keyVerifyCommand(),
  },
  {
    name: 'add-server',
    summary: 'give one more server a share of a key',
    load: async () => (await import('../commands/key/add-server.js')).keyAddServerCommand(),
  },
  {
    name: 'remove-server',
    summary: 'make new shares of a key that one of its servers has no part in',
    load: async () => (await import('../commands/key/remove-server.js')).keyRemoveServerCommand(),
  },
  {
    name: 'requorum',
    summary: 'another quorum, or other servers, for the same key',
    load: async () => (await import('../commands/key/requorum.js')).keyRequorumCommand(),
  },
  {
    name: 'refresh',
    summary: 'give the servers of a key new shares; the key itself stays the same',
    load: async () => (await import('../commands/key/refresh.js')).keyRefreshCommand(),
  },
  {
    name: 'settle',
    summary: 'have its servers settle which of two certificates of one epoch of a key counts',
    load: async () => (await import('../commands/key/settle.js')).keySettleCommand(),
  },
  {
    name: 'check',
    summary: 'have every server of a key prove that it holds its share; the key is not used',
    load: async () => (await import('../commands/key/check.js')).keyCheckCommand(),
  },
  {
    name: 'restore',
    summary: 'give servers that lost their share of a key the certificate, to recover it from',
    load: async () => (await import('../commands/key/restore.js')).keyRestoreCommand(),
  },
  {
    name: 'repair',
    summary: 'give a server that lost its share of a key the share back, by the others',
    load: async () => (await import('../commands/key/repair.js')).keyRepairCommand(),
  },
  {
    name: 'export',
    summary: 'take a key that may leave out of its servers, whole, into a file of yours',
    load: async () => (await import('../commands/key/export.js')).keyExportCommand(),
  },
];

export const DRILL: readonly CommandNode[] = [
  {
    name: 'restore',
    summary: 'rehearse that a lost server of a key is made again by the others',
    load: async () => (await import('../commands/drill/restore.js')).drillRestoreCommand(),
  },
  {
    name: 'clear',
    summary: 'have all servers forget keys of drills that were left, whoever made them',
    load: async () => (await import('../commands/drill/clear.js')).drillClearCommand(),
  },
];

export const SESSIONS: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'ceremonies you started, oldest first',
    load: async () => (await import('../commands/sessions/list.js')).sessionsListCommand(),
  },
  {
    name: 'show',
    summary: 'one ceremony',
    load: async () => (await import('../commands/sessions/show.js')).sessionsShowCommand(),
  },
  {
    name: 'resume',
    summary: 'go on with a ceremony from wherever it is',
    load: async () => (await import('../commands/sessions/resume.js')).sessionsResumeCommand(),
  },
  {
    name: 'cancel',
    summary: 'cancel a ceremony, here and on every server',
    load: async () => (await import('../commands/sessions/cancel.js')).sessionsCancelCommand(),
  },
];

export const REQUESTS: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'signatures you asked for, oldest first',
    load: async () => (await import('../commands/requests/list.js')).requestsListCommand(),
  },
  {
    name: 'show',
    summary: 'one request, or the signature it has given',
    load: async () => (await import('../commands/requests/show.js')).requestsShowCommand(),
  },
  {
    name: 'resume',
    summary: 'go on with a request from wherever it is',
    load: async () => (await import('../commands/requests/resume.js')).requestsResumeCommand(),
  },
  {
    name: 'cancel',
    summary: 'cancel a request, here and on every server',
    load: async () => (await import('../commands/requests/cancel.js')).requestsCancelCommand(),
  },
];
