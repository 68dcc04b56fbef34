import type { CommandNode } from '../command-line/command-node.js';

/** For whoever uses servers. */
export const PINNED_SERVERS: readonly CommandNode[] = [
  {
    name: 'add',
    summary: 'pin a Secret Server by its likeness and open an account there',
    load: async () => (await import('../commands/server/add.js')).serverAddCommand(),
  },
  {
    name: 'list',
    summary: 'the servers you have pinned',
    load: async () => (await import('../commands/server/list.js')).serverListCommand(),
  },
  {
    name: 'show',
    summary: 'one pinned server, with its likeness',
    load: async () => (await import('../commands/server/show.js')).serverShowCommand(),
  },
  {
    name: 'remove',
    summary: 'forget a server that no key needs',
    load: async () => (await import('../commands/server/remove.js')).serverRemoveCommand(),
  },
];

/** For whoever runs one. */
export const OWN_SERVER: readonly CommandNode[] = [
  {
    name: 'init',
    summary: 'make a new server: its identity, its storage key and config.json',
    load: async () => (await import('../commands/server/init.js')).serverInitCommand(),
  },
  {
    name: 'start',
    summary: 'run a server until Ctrl-C, SIGTERM or ckm server stop',
    load: async () => (await import('../commands/server/start.js')).serverStartCommand(),
  },
  {
    name: 'stop',
    summary: 'stop a running server',
    load: async () => (await import('../commands/server/stop.js')).serverStopCommand(),
  },
  {
    name: 'unseal',
    summary: 'open a sealed server with its passphrase',
    load: async () => (await import('../commands/server/unseal.js')).serverUnsealCommand(),
  },
  {
    name: 'backup',
    summary: 'write everything a server is made of to one encrypted file, while it runs or not',
    load: async () => (await import('../commands/server/backup.js')).serverBackupCommand(),
  },
  {
    name: 'backups-destroyed',
    summary: 'say that you have destroyed old backups: owners are told so, signed by the server',
    load: async () =>
      (await import('../commands/server/backups-destroyed.js')).serverBackupsDestroyedCommand(),
  },
  {
    name: 'restore',
    summary: 'make the folder of a server out of a backup; nothing is ever overwritten',
    load: async () => (await import('../commands/server/restore.js')).serverRestoreCommand(),
  },
  {
    name: 'drill',
    summary: 'see whether a backup would bring every share back; restores nothing, and no share leaves it',
    load: async () => (await import('../commands/server/drill.js')).serverDrillCommand(),
  },
  {
    name: 'move',
    summary: 'move a stopped server to PostgreSQL, or back into its folder; nothing is lost',
    load: async () => (await import('../commands/server/move.js')).serverMoveCommand(),
  },
  {
    name: 'rotate-key',
    summary: 'put another storage key in the place of the present one, while the server runs',
    load: async () => (await import('../commands/server/rotate-key.js')).serverRotateKeyCommand(),
  },
  {
    name: 'status',
    summary: 'how a running server is',
    load: async () => (await import('../commands/server/status.js')).serverStatusCommand(),
  },
  {
    name: 'keys',
    summary: 'the keys this server has a share of, with their likeness',
    load: async () => (await import('../commands/server/keys.js')).serverKeysCommand(),
  },
  {
    name: 'requests',
    summary: 'what waits for your yes or no',
    load: async () => (await import('../commands/server/requests.js')).serverRequestsCommand(),
  },
  {
    name: 'approve',
    summary: 'say yes to what waits',
    load: async () => (await import('../commands/server/approve.js')).serverApproveCommand(),
  },
  {
    name: 'recover',
    summary: 'vouch for whoever stands before you, and wants an account back',
    load: async () => (await import('../commands/server/recover.js')).serverRecoverCommand(),
  },
  {
    name: 'reject',
    summary: 'say no to what waits',
    load: async () => (await import('../commands/server/reject.js')).serverRejectCommand(),
  },
  {
    name: 'audit',
    summary: 'what the server did, and for whom',
    commands: [
      {
        name: 'show',
        summary: 'what the server did, for whom, and why not',
        load: async () => (await import('../commands/server/audit/show.js')).serverAuditShowCommand(),
      },
      {
        name: 'verify',
        summary: 'check that nobody changed, cut or exchanged the audit log',
        load: async () => (await import('../commands/server/audit/verify.js')).serverAuditVerifyCommand(),
      },
    ],
  },
  {
    name: 'invite',
    summary: 'who may open an account',
    commands: [
      {
        name: 'create',
        summary: 'a code with which one person may open one account',
        load: async () => (await import('../commands/server/invite/create.js')).serverInviteCreateCommand(),
      },
      {
        name: 'list',
        summary: 'invites, and who used them',
        load: async () => (await import('../commands/server/invite/list.js')).serverInviteListCommand(),
      },
      {
        name: 'revoke',
        summary: 'take back an invite that nobody has used',
        load: async () => (await import('../commands/server/invite/revoke.js')).serverInviteRevokeCommand(),
      },
    ],
  },
  {
    name: 'outbox',
    summary: 'what goes out to people',
    commands: [
      {
        name: 'list',
        summary: 'what waits to go out to people, and what was given up',
        load: async () => (await import('../commands/server/outbox/list.js')).serverOutboxListCommand(),
      },
      {
        name: 'retry',
        summary: 'send again what was not sent',
        load: async () => (await import('../commands/server/outbox/retry.js')).serverOutboxRetryCommand(),
      },
    ],
  },
  {
    name: 'accounts',
    summary: 'who is answered',
    commands: [
      {
        name: 'list',
        summary: 'who is answered, and what they use',
        load: async () => (await import('../commands/server/accounts/list.js')).serverAccountsListCommand(),
      },
      {
        name: 'suspend',
        summary: 'answer an account no more; its keys stay',
        load: async () =>
          (await import('../commands/server/accounts/suspend.js')).serverAccountsSuspendCommand(),
      },
      {
        name: 'thaw',
        summary: 'end the freeze of a whole account before its time',
        load: async () => (await import('../commands/server/accounts/thaw.js')).serverAccountsThawCommand(),
      },
      {
        name: 'resume',
        summary: 'answer a suspended account again',
        load: async () =>
          (await import('../commands/server/accounts/resume.js')).serverAccountsResumeCommand(),
      },
    ],
  },
  {
    name: 'passphrase',
    summary: 'keep the storage key under another passphrase; the old one opens it no more',
    load: async () => (await import('../commands/server/passphrase.js')).serverPassphraseCommand(),
  },
  {
    name: 'config',
    summary: 'the settings of a server',
    commands: [
      {
        name: 'check',
        summary: 'whether a server would start with its config.json and this environment',
        load: async () => (await import('../commands/server/config/check.js')).serverConfigCheckCommand(),
      },
      {
        name: 'show',
        summary: 'every setting with its value, and where that comes from',
        load: async () => (await import('../commands/server/config/show.js')).serverConfigShowCommand(),
      },
    ],
  },
  {
    name: 'silence',
    summary: 'for how long the owner of a key has been silent, and which heir asks for it',
    load: async () => (await import('../commands/server/silence.js')).serverSilenceCommand(),
  },
  {
    name: 'policy',
    summary: 'what is allowed for a key',
    commands: [
      {
        name: 'show',
        summary: 'what is allowed for a key, by its owner and by you',
        load: async () => (await import('../commands/server/policy/show.js')).serverPolicyShowCommand(),
      },
      {
        name: 'tighten',
        summary: 'allow less for a key than its owner does, and than before',
        load: async () => (await import('../commands/server/policy/tighten.js')).serverPolicyTightenCommand(),
      },
      {
        name: 'loosen',
        summary: 'take back what was tightened; never more than the owner allows',
        load: async () => (await import('../commands/server/policy/loosen.js')).serverPolicyLoosenCommand(),
      },
      {
        name: 'thaw',
        summary: 'end the freeze of a key by its owner before its time',
        load: async () => (await import('../commands/server/policy/thaw.js')).serverPolicyThawCommand(),
      },
      {
        name: 'release',
        summary: 'answer again for a key that was stopped by a wrong share',
        load: async () => (await import('../commands/server/policy/release.js')).serverPolicyReleaseCommand(),
      },
    ],
  },
];
