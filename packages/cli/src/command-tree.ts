// Longer than other files, because it is the one tree of commands, each with what it does and where it is loaded from.
import type { CommandNode } from './command-line/command-node.js';

// Longer than other files, because it is one table: whoever looks for a command finds all of them in one place.

const SEED: readonly CommandNode[] = [
  {
    name: 'backup',
    summary: 'show the 24 words, or shares of the seed, or write them to new files',
    load: async () => (await import('./commands/seed/backup.js')).seedBackupCommand(),
  },
  {
    name: 'restore',
    summary: 'bring the owner seed back from 24 words, ur:seed or shares',
    load: async () => (await import('./commands/seed/restore.js')).seedRestoreCommand(),
  },
  {
    name: 'verify',
    summary: 'try a backup: whether these words or shares bring this owner seed back',
    load: async () => (await import('./commands/seed/verify.js')).seedVerifyCommand(),
  },
  {
    name: 'passphrase',
    summary: 'keep the owner seed under another passphrase; the seed and its 24 words stay',
    load: async () => (await import('./commands/seed/passphrase.js')).seedPassphraseCommand(),
  },
  {
    name: 'forget',
    summary: 'keep a device here in the place of the owner seed, whose words you have elsewhere',
    load: async () => (await import('./commands/seed/forget.js')).seedForgetCommand(),
  },
];

const DEVICE: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'your devices, what each may do, and which server does not know',
    load: async () => (await import('./commands/device/list.js')).deviceListCommand(),
  },
  {
    name: 'join',
    summary: 'make this folder a device of an owner who has one already, in two steps',
    load: async () => (await import('./commands/device/join.js')).deviceJoinCommand(),
  },
  {
    name: 'add',
    summary: 'let another device of yours in, by the offer that it made',
    load: async () => (await import('./commands/device/add.js')).deviceAddCommand(),
  },
  {
    name: 'remove',
    summary: 'have every server answer a device of yours no more',
    load: async () => (await import('./commands/device/remove.js')).deviceRemoveCommand(),
  },
  {
    name: 'rename',
    summary: 'call a device of yours otherwise; servers cannot read what you call it',
    load: async () => (await import('./commands/device/rename.js')).deviceRenameCommand(),
  },
];

const CONTACT: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'who brings you back at each server when every device is lost',
    load: async () => (await import('./commands/contact/list.js')).contactListCommand(),
  },
  {
    name: 'set',
    summary: 'name somebody who brings you back at a server when every device is lost',
    load: async () => (await import('./commands/contact/set.js')).contactSetCommand(),
  },
  {
    name: 'verify',
    summary: 'show that a contact works: it counts for nothing before',
    load: async () => (await import('./commands/contact/verify.js')).contactVerifyCommand(),
  },
  {
    name: 'remove',
    summary: 'have a contact bring you back no more, in three days; with the words at once',
    load: async () => (await import('./commands/contact/remove.js')).contactRemoveCommand(),
  },
  {
    name: 'vouch',
    summary: 'vouch for somebody whose contact you are; nobody is told',
    load: async () => (await import('./commands/contact/vouch.js')).contactVouchCommand(),
  },
];

const ACCOUNT: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'who wants your account at a server, and how far that is',
    load: async () => (await import('./commands/account/list.js')).accountListCommand(),
  },
  {
    name: 'recover',
    summary: 'come back at a server, from a new folder, when every device and the words are lost',
    load: async () => (await import('./commands/account/recover.js')).accountRecoverCommand(),
  },
  {
    name: 'veto',
    summary: 'say no to whoever wants your account at a server',
    load: async () => (await import('./commands/account/veto.js')).accountVetoCommand(),
  },
];

const APPROVER: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'what waits for your yes or no, at every server of every key you were asked for',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/list.js')).approverListCommand(),
  },
  {
    name: 'show',
    summary: 'one thing that waits for you: what it does, who asks, and by which terms',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/show.js')).approverShowCommand(),
  },
  {
    name: 'approve',
    summary: 'say yes to what waits for you',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/approve.js')).approverApproveCommand(),
  },
  {
    name: 'reject',
    summary: 'say no to what waits for you',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/reject.js')).approverRejectCommand(),
  },
  {
    name: 'take-back',
    summary: 'take back what you said, before anything is signed: neither yes nor no any more',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/take-back.js')).approverTakeBackCommand(),
  },
  {
    name: 'init',
    summary: 'make this folder one that says yes or no to what keys of others do',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/init.js')).approverInitCommand(),
  },
  {
    name: 'join',
    summary: 'take an invitation to be an approver of a key, and answer it',
    group: 'Whoever is asked:',
    load: async () => (await import('./commands/approver/join.js')).approverJoinCommand(),
  },
  {
    name: 'invite',
    summary: 'write an invitation for somebody whose yes a key of yours is to ask for',
    group: 'The owner of a key:',
    load: async () => (await import('./commands/approver/invite.js')).approverInviteCommand(),
  },
  {
    name: 'add',
    summary: 'take in what somebody answered to your invitation',
    group: 'The owner of a key:',
    load: async () => (await import('./commands/approver/add.js')).approverAddCommand(),
  },
];

const HEIR: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'keys whose terms name you, how long their owners have been silent, and who has asked',
    load: async () => (await import('./commands/heir/list.js')).heirListCommand(),
  },
  {
    name: 'ask',
    summary: 'ask for a key whose owner has been silent, or go on with that',
    load: async () => (await import('./commands/heir/ask.js')).heirAskCommand(),
  },
  {
    name: 'sign',
    summary: 'sign with a key whose use is granted to you, within its terms',
    load: async () => (await import('./commands/heir/sign.js')).heirSignCommand(),
  },
];

const CSR: readonly CommandNode[] = [
  {
    name: 'store',
    summary: 'share your words out among three servers, any two of which bring them back',
    load: async () => (await import('./commands/csr/store.js')).csrStoreCommand(),
  },
  {
    name: 'recover',
    summary: 'bring back what was shared out, from the address of one server and the words of the shares',
    load: async () => (await import('./commands/csr/recover.js')).csrRecoverCommand(),
  },
  {
    name: 'check',
    summary: 'see whether the shares at your servers still bring back what they keep',
    load: async () => (await import('./commands/csr/check.js')).csrCheckCommand(),
  },
  {
    name: 'list',
    summary: 'the shares at servers that stand on record here; no server is asked',
    load: async () => (await import('./commands/csr/list.js')).csrListCommand(),
  },
  {
    name: 'upgrade',
    summary: 'give two more servers a share: any three of the five, too, bring back what is kept',
    load: async () => (await import('./commands/csr/upgrade.js')).csrUpgradeCommand(),
  },
  {
    name: 'rotate',
    summary: 'store new shares under new words, and delete the old ones when all are there',
    load: async () => (await import('./commands/csr/rotate.js')).csrRotateCommand(),
  },
  {
    name: 'delete',
    summary: 'have every server keep no share under these words any more',
    load: async () => (await import('./commands/csr/delete.js')).csrDeleteCommand(),
  },
];

/** For whoever uses servers. */
const PINNED_SERVERS: readonly CommandNode[] = [
  {
    name: 'add',
    summary: 'pin a Secret Server by its likeness and open an account there',
    load: async () => (await import('./commands/server/add.js')).serverAddCommand(),
  },
  {
    name: 'list',
    summary: 'the servers you have pinned',
    load: async () => (await import('./commands/server/list.js')).serverListCommand(),
  },
  {
    name: 'show',
    summary: 'one pinned server, with its likeness',
    load: async () => (await import('./commands/server/show.js')).serverShowCommand(),
  },
  {
    name: 'remove',
    summary: 'forget a server that no key needs',
    load: async () => (await import('./commands/server/remove.js')).serverRemoveCommand(),
  },
];

/** For whoever runs one. */
const OWN_SERVER: readonly CommandNode[] = [
  {
    name: 'init',
    summary: 'make a new server: its identity, its storage key and config.json',
    load: async () => (await import('./commands/server/init.js')).serverInitCommand(),
  },
  {
    name: 'start',
    summary: 'run a server until Ctrl-C, SIGTERM or ckm server stop',
    load: async () => (await import('./commands/server/start.js')).serverStartCommand(),
  },
  {
    name: 'stop',
    summary: 'stop a running server',
    load: async () => (await import('./commands/server/stop.js')).serverStopCommand(),
  },
  {
    name: 'unseal',
    summary: 'open a sealed server with its passphrase',
    load: async () => (await import('./commands/server/unseal.js')).serverUnsealCommand(),
  },
  {
    name: 'backup',
    summary: 'write everything a server is made of to one encrypted file, while it runs or not',
    load: async () => (await import('./commands/server/backup.js')).serverBackupCommand(),
  },
  {
    name: 'backups-destroyed',
    summary: 'say that you have destroyed old backups: owners are told so, signed by the server',
    load: async () =>
      (await import('./commands/server/backups-destroyed.js')).serverBackupsDestroyedCommand(),
  },
  {
    name: 'restore',
    summary: 'make the folder of a server out of a backup; nothing is ever overwritten',
    load: async () => (await import('./commands/server/restore.js')).serverRestoreCommand(),
  },
  {
    name: 'drill',
    summary: 'see whether a backup would bring every share back; restores nothing, and no share leaves it',
    load: async () => (await import('./commands/server/drill.js')).serverDrillCommand(),
  },
  {
    name: 'move',
    summary: 'move a stopped server to PostgreSQL, or back into its folder; nothing is lost',
    load: async () => (await import('./commands/server/move.js')).serverMoveCommand(),
  },
  {
    name: 'rotate-key',
    summary: 'put another storage key in the place of the present one, while the server runs',
    load: async () => (await import('./commands/server/rotate-key.js')).serverRotateKeyCommand(),
  },
  {
    name: 'status',
    summary: 'how a running server is',
    load: async () => (await import('./commands/server/status.js')).serverStatusCommand(),
  },
  {
    name: 'keys',
    summary: 'the keys this server has a share of, with their likeness',
    load: async () => (await import('./commands/server/keys.js')).serverKeysCommand(),
  },
  {
    name: 'requests',
    summary: 'what waits for your yes or no',
    load: async () => (await import('./commands/server/requests.js')).serverRequestsCommand(),
  },
  {
    name: 'approve',
    summary: 'say yes to what waits',
    load: async () => (await import('./commands/server/approve.js')).serverApproveCommand(),
  },
  {
    name: 'recover',
    summary: 'vouch for whoever stands before you, and wants an account back',
    load: async () => (await import('./commands/server/recover.js')).serverRecoverCommand(),
  },
  {
    name: 'reject',
    summary: 'say no to what waits',
    load: async () => (await import('./commands/server/reject.js')).serverRejectCommand(),
  },
  {
    name: 'audit',
    summary: 'what the server did, and for whom',
    commands: [
      {
        name: 'show',
        summary: 'what the server did, for whom, and why not',
        load: async () => (await import('./commands/server/audit/show.js')).serverAuditShowCommand(),
      },
      {
        name: 'verify',
        summary: 'check that nobody changed, cut or exchanged the audit log',
        load: async () => (await import('./commands/server/audit/verify.js')).serverAuditVerifyCommand(),
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
        load: async () => (await import('./commands/server/invite/create.js')).serverInviteCreateCommand(),
      },
      {
        name: 'list',
        summary: 'invites, and who used them',
        load: async () => (await import('./commands/server/invite/list.js')).serverInviteListCommand(),
      },
      {
        name: 'revoke',
        summary: 'take back an invite that nobody has used',
        load: async () => (await import('./commands/server/invite/revoke.js')).serverInviteRevokeCommand(),
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
        load: async () => (await import('./commands/server/outbox/list.js')).serverOutboxListCommand(),
      },
      {
        name: 'retry',
        summary: 'send again what was not sent',
        load: async () => (await import('./commands/server/outbox/retry.js')).serverOutboxRetryCommand(),
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
        load: async () => (await import('./commands/server/accounts/list.js')).serverAccountsListCommand(),
      },
      {
        name: 'suspend',
        summary: 'answer an account no more; its keys stay',
        load: async () =>
          (await import('./commands/server/accounts/suspend.js')).serverAccountsSuspendCommand(),
      },
      {
        name: 'resume',
        summary: 'answer a suspended account again',
        load: async () =>
          (await import('./commands/server/accounts/resume.js')).serverAccountsResumeCommand(),
      },
    ],
  },
  {
    name: 'passphrase',
    summary: 'keep the storage key under another passphrase; the old one opens it no more',
    load: async () => (await import('./commands/server/passphrase.js')).serverPassphraseCommand(),
  },
  {
    name: 'config',
    summary: 'the settings of a server',
    commands: [
      {
        name: 'check',
        summary: 'whether a server would start with its config.json and this environment',
        load: async () => (await import('./commands/server/config/check.js')).serverConfigCheckCommand(),
      },
      {
        name: 'show',
        summary: 'every setting with its value, and where that comes from',
        load: async () => (await import('./commands/server/config/show.js')).serverConfigShowCommand(),
      },
    ],
  },
  {
    name: 'silence',
    summary: 'for how long the owner of a key has been silent, and which heir asks for it',
    load: async () => (await import('./commands/server/silence.js')).serverSilenceCommand(),
  },
  {
    name: 'policy',
    summary: 'what is allowed for a key',
    commands: [
      {
        name: 'show',
        summary: 'what is allowed for a key, by its owner and by you',
        load: async () => (await import('./commands/server/policy/show.js')).serverPolicyShowCommand(),
      },
      {
        name: 'tighten',
        summary: 'allow less for a key than its owner does, and than before',
        load: async () => (await import('./commands/server/policy/tighten.js')).serverPolicyTightenCommand(),
      },
      {
        name: 'loosen',
        summary: 'take back what was tightened; never more than the owner allows',
        load: async () => (await import('./commands/server/policy/loosen.js')).serverPolicyLoosenCommand(),
      },
      {
        name: 'thaw',
        summary: 'end the freeze of a key by its owner before its time',
        load: async () => (await import('./commands/server/policy/thaw.js')).serverPolicyThawCommand(),
      },
      {
        name: 'release',
        summary: 'answer again for a key that was stopped by a wrong share',
        load: async () => (await import('./commands/server/policy/release.js')).serverPolicyReleaseCommand(),
      },
    ],
  },
];

const KEY: readonly CommandNode[] = [
  {
    name: 'create',
    summary: 'make a key together with your servers: it never exists in one place',
    load: async () => (await import('./commands/key/create.js')).keyCreateCommand(),
  },
  {
    name: 'import',
    summary: 'share out a private key that you have among your servers',
    load: async () => (await import('./commands/key/import.js')).keyImportCommand(),
  },
  {
    name: 'compare',
    summary: 'compare the likeness of a key with what operators see, and keep the outcome',
    load: async () => (await import('./commands/key/compare.js')).keyCompareCommand(),
  },
  {
    name: 'list',
    summary: 'your keys',
    load: async () => (await import('./commands/key/list.js')).keyListCommand(),
  },
  {
    name: 'show',
    summary: 'one key: likeness, public key, descriptor or SSH line, policy',
    load: async () => (await import('./commands/key/show.js')).keyShowCommand(),
  },
  {
    name: 'fetch',
    summary: 'get back the keys that servers hold of yours and that are not on record here',
    load: async () => (await import('./commands/key/fetch.js')).keyFetchCommand(),
  },
  {
    name: 'rename',
    summary: 'call a key otherwise; servers know no names',
    load: async () => (await import('./commands/key/rename.js')).keyRenameCommand(),
  },
  {
    name: 'forget',
    summary: 'take a key off your records here; servers keep their shares',
    load: async () => (await import('./commands/key/forget.js')).keyForgetCommand(),
  },
  {
    name: 'verify',
    summary: 'check the certificate again and ask every server for its copy',
    load: async () => (await import('./commands/key/verify.js')).keyVerifyCommand(),
  },
  {
    name: 'add-server',
    summary: 'give one more server a share of a key',
    load: async () => (await import('./commands/key/add-server.js')).keyAddServerCommand(),
  },
  {
    name: 'remove-server',
    summary: 'make new shares of a key that one of its servers has no part in',
    load: async () => (await import('./commands/key/remove-server.js')).keyRemoveServerCommand(),
  },
  {
    name: 'requorum',
    summary: 'another quorum, or other servers, for the same key',
    load: async () => (await import('./commands/key/requorum.js')).keyRequorumCommand(),
  },
  {
    name: 'refresh',
    summary: 'give the servers of a key new shares; the key itself stays the same',
    load: async () => (await import('./commands/key/refresh.js')).keyRefreshCommand(),
  },
  {
    name: 'settle',
    summary: 'have its servers settle which of two certificates of one epoch of a key counts',
    load: async () => (await import('./commands/key/settle.js')).keySettleCommand(),
  },
  {
    name: 'check',
    summary: 'have every server of a key prove that it holds its share; the key is not used',
    load: async () => (await import('./commands/key/check.js')).keyCheckCommand(),
  },
  {
    name: 'restore',
    summary: 'give servers that lost their share of a key the certificate, to recover it from',
    load: async () => (await import('./commands/key/restore.js')).keyRestoreCommand(),
  },
  {
    name: 'repair',
    summary: 'give a server that lost its share of a key the share back, by the others',
    load: async () => (await import('./commands/key/repair.js')).keyRepairCommand(),
  },
  {
    name: 'export',
    summary: 'take a key that may leave out of its servers, whole, into a file of yours',
    load: async () => (await import('./commands/key/export.js')).keyExportCommand(),
  },
];

const TERMS: readonly CommandNode[] = [
  {
    name: 'show',
    summary: 'the terms of a key in sentences, and which of its servers have them',
    load: async () => (await import('./commands/terms/show.js')).termsShowCommand(),
  },
  {
    name: 'test',
    summary: 'what the terms of a key answer to a request; nobody is asked',
    load: async () => (await import('./commands/terms/test.js')).termsTestCommand(),
  },
  {
    name: 'propose',
    summary: 'propose other terms of a key: what is tighter works at once, all else waits',
    load: async () => (await import('./commands/terms/propose.js')).termsProposeCommand(),
  },
  {
    name: 'approve',
    summary: 'bring servers what approvers said on paper about terms that you proposed',
    load: async () => (await import('./commands/terms/approve.js')).termsApproveCommand(),
  },
  {
    name: 'settle',
    summary: 'have servers that went on in different ways go by the same terms again',
    load: async () => (await import('./commands/terms/settle.js')).termsSettleCommand(),
  },
  {
    name: 'stop',
    summary: 'stop a change of the terms of a key that waits, whoever proposed it',
    load: async () => (await import('./commands/terms/stop.js')).termsStopCommand(),
  },
  {
    name: 'history',
    summary: 'how the terms of a key came about, as its servers show it',
    load: async () => (await import('./commands/terms/history.js')).termsHistoryCommand(),
  },
];

const SESSIONS: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'ceremonies you started, oldest first',
    load: async () => (await import('./commands/sessions/list.js')).sessionsListCommand(),
  },
  {
    name: 'show',
    summary: 'one ceremony',
    load: async () => (await import('./commands/sessions/show.js')).sessionsShowCommand(),
  },
  {
    name: 'resume',
    summary: 'go on with a ceremony from wherever it is',
    load: async () => (await import('./commands/sessions/resume.js')).sessionsResumeCommand(),
  },
  {
    name: 'cancel',
    summary: 'cancel a ceremony, here and on every server',
    load: async () => (await import('./commands/sessions/cancel.js')).sessionsCancelCommand(),
  },
];

const REQUESTS: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'signatures you asked for, oldest first',
    load: async () => (await import('./commands/requests/list.js')).requestsListCommand(),
  },
  {
    name: 'show',
    summary: 'one request, or the signature it has given',
    load: async () => (await import('./commands/requests/show.js')).requestsShowCommand(),
  },
  {
    name: 'resume',
    summary: 'go on with a request from wherever it is',
    load: async () => (await import('./commands/requests/resume.js')).requestsResumeCommand(),
  },
  {
    name: 'cancel',
    summary: 'cancel a request, here and on every server',
    load: async () => (await import('./commands/requests/cancel.js')).requestsCancelCommand(),
  },
];

const DRILL: readonly CommandNode[] = [
  {
    name: 'restore',
    summary: 'rehearse that a lost server of a key is made again by the others',
    load: async () => (await import('./commands/drill/restore.js')).drillRestoreCommand(),
  },
  {
    name: 'clear',
    summary: 'have all servers forget keys of drills that were left, whoever made them',
    load: async () => (await import('./commands/drill/clear.js')).drillClearCommand(),
  },
];

const CONFIG: readonly CommandNode[] = [
  {
    name: 'where',
    summary: 'which settings count, and where each of them comes from',
    load: async () => (await import('./commands/config/where.js')).configWhereCommand(),
  },
];

/** Every command there is; the folder `commands/` has the same shape. */
export const COMMAND_TREE: CommandNode = {
  name: 'ckm',
  summary: 'Keys that no one holds: generated and used by independent Secret Servers.',
  commands: [
    {
      name: 'init',
      summary: 'make an owner seed: who you are to your servers',
      load: async () => (await import('./commands/init.js')).initCommand(),
    },
    { name: 'seed', summary: 'the owner seed', commands: SEED },
    { name: 'csr', summary: 'shares of the owner seed that lie at servers', commands: CSR, usual: 'list' },
    {
      name: 'device',
      summary: 'places you act from, each with a secret of its own',
      commands: DEVICE,
      usual: 'list',
    },
    {
      name: 'contact',
      summary: 'who brings you back at a server when every device is lost',
      commands: CONTACT,
      usual: 'list',
    },
    {
      name: 'account',
      summary: 'come back at a server when every device is lost, and say no to whoever else wants to',
      commands: ACCOUNT,
      usual: 'list',
    },
    {
      name: 'approver',
      summary: 'people who say yes or no to what a key does',
      commands: APPROVER,
      usual: 'list',
    },
    {
      name: 'heir',
      summary: 'what is yours when the owner of a key gives no sign of life any more',
      commands: HEIR,
      usual: 'list',
    },
    {
      name: 'unlock',
      summary: 'keep the owner seed open for a while, so that its passphrase is not asked for again',
      load: async () => (await import('./commands/unlock.js')).unlockCommand(),
    },
    {
      name: 'lock',
      summary: 'close the owner seed that ckm unlock keeps open',
      load: async () => (await import('./commands/lock.js')).lockCommand(),
    },
    {
      name: 'server',
      summary: 'Secret Servers: those you use, and those you run',
      commands: [
        ...PINNED_SERVERS.map((one) => ({ ...one, group: 'Servers you use:' })),
        ...OWN_SERVER.map((one) => ({ ...one, group: 'A server you run:' })),
      ],
    },
    { name: 'key', summary: 'keys that no one holds', commands: KEY },
    { name: 'terms', summary: 'what a key answers to, and who is asked for a yes', commands: TERMS },
    {
      name: 'address',
      summary: 'the next fresh address of a key for bitcoin',
      load: async () => (await import('./commands/address.js')).addressCommand(),
    },
    {
      name: 'sign',
      summary: 'sign with a quorum of servers',
      load: async () => (await import('./commands/sign.js')).signCommand(),
    },
    {
      name: 'freeze',
      summary: 'stop a key for a while at all its servers, as when a laptop was stolen',
      load: async () => (await import('./commands/freeze.js')).freezeCommand(),
    },
    {
      name: 'alive',
      summary: 'give the servers of keys that have heirs a sign of life',
      load: async () => (await import('./commands/alive.js')).aliveCommand(),
    },
    {
      name: 'thaw',
      summary: 'ask the operators, and whom the terms name, to end a freeze before its time',
      load: async () => (await import('./commands/thaw.js')).thawCommand(),
    },
    { name: 'drill', summary: 'find out before an accident whether recovery works', commands: DRILL },
    {
      name: 'verify',
      summary: 'check a signature; no server is asked',
      load: async () => (await import('./commands/verify.js')).verifyCommand(),
    },
    { name: 'requests', summary: 'signatures you asked for', commands: REQUESTS, usual: 'list' },
    { name: 'sessions', summary: 'ceremonies you started', commands: SESSIONS, usual: 'list' },
    {
      name: 'status',
      summary: 'everything on one screen',
      load: async () => (await import('./commands/status.js')).statusCommand(),
    },
    {
      name: 'doctor',
      summary: 'look for everything that can be wrong, and say what to do',
      load: async () => (await import('./commands/doctor.js')).doctorCommand(),
    },
    {
      name: 'ssh-agent',
      summary: 'offer your keys to OpenSSH',
      load: async () => (await import('./commands/ssh-agent.js')).sshAgentCommand(),
    },
    {
      name: 'git-sign',
      summary: 'sign commits and tags for git',
      load: async () => (await import('./commands/git-sign.js')).gitSignCommand(),
    },
    {
      name: 'sheet',
      summary: 'a recovery sheet to print: your servers and keys, with nothing secret',
      load: async () => (await import('./commands/sheet.js')).sheetCommand(),
    },
    { name: 'config', summary: 'the settings of this command', commands: CONFIG, usual: 'where' },
    {
      name: 'completion',
      summary: 'what a shell needs to complete commands and flags',
      load: async () => (await import('./commands/completion.js')).completionCommand(COMMAND_TREE),
    },
    {
      name: 'explain',
      summary: 'what an error code means and what to do',
      load: async () => (await import('./commands/explain.js')).explainCommand(),
    },
  ],
};
