import type { CommandNode } from '../command-line/command-node.js';

export const SEED: readonly CommandNode[] = [
  {
    name: 'backup',
    summary: 'show the 24 words, or shares of the seed, or write them to new files',
    load: async () => (await import('../commands/seed/backup.js')).seedBackupCommand(),
  },
  {
    name: 'restore',
    summary: 'bring the owner seed back from 24 words, ur:seed or shares',
    load: async () => (await import('../commands/seed/restore.js')).seedRestoreCommand(),
  },
  {
    name: 'verify',
    summary: 'try a backup: whether these words or shares bring this owner seed back',
    load: async () => (await import('../commands/seed/verify.js')).seedVerifyCommand(),
  },
  {
    name: 'passphrase',
    summary: 'keep the owner seed under another passphrase; the seed and its 24 words stay',
    load: async () => (await import('../commands/seed/passphrase.js')).seedPassphraseCommand(),
  },
  {
    name: 'forget',
    summary: 'keep a device here in the place of the owner seed, whose words you have elsewhere',
    load: async () => (await import('../commands/seed/forget.js')).seedForgetCommand(),
  },
];

export const DEVICE: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'your devices, what each may do, and which server does not know',
    load: async () => (await import('../commands/device/list.js')).deviceListCommand(),
  },
  {
    name: 'join',
    summary: 'make this folder a device of an owner who has one already, in two steps',
    load: async () => (await import('../commands/device/join.js')).deviceJoinCommand(),
  },
  {
    name: 'add',
    summary: 'let another device of yours in, by the offer that it made',
    load: async () => (await import('../commands/device/add.js')).deviceAddCommand(),
  },
  {
    name: 'remove',
    summary: 'have every server answer a device of yours no more',
    load: async () => (await import('../commands/device/remove.js')).deviceRemoveCommand(),
  },
  {
    name: 'rename',
    summary: 'call a device of yours otherwise; servers cannot read what you call it',
    load: async () => (await import('../commands/device/rename.js')).deviceRenameCommand(),
  },
];

export const CSR: readonly CommandNode[] = [
  {
    name: 'store',
    summary: 'share your words out among three servers, any two of which bring them back',
    load: async () => (await import('../commands/csr/store.js')).csrStoreCommand(),
  },
  {
    name: 'recover',
    summary: 'bring back what was shared out, from the address of one server and the words of the shares',
    load: async () => (await import('../commands/csr/recover.js')).csrRecoverCommand(),
  },
  {
    name: 'check',
    summary: 'see whether the shares at your servers still bring back what they keep',
    load: async () => (await import('../commands/csr/check.js')).csrCheckCommand(),
  },
  {
    name: 'list',
    summary: 'the shares at servers that stand on record here; no server is asked',
    load: async () => (await import('../commands/csr/list.js')).csrListCommand(),
  },
  {
    name: 'upgrade',
    summary: 'give two more servers a share: any three of the five, too, bring back what is kept',
    load: async () => (await import('../commands/csr/upgrade.js')).csrUpgradeCommand(),
  },
  {
    name: 'rotate',
    summary: 'store new shares under new words, and delete the old ones when all are there',
    load: async () => (await import('../commands/csr/rotate.js')).csrRotateCommand(),
  },
  {
    name: 'delete',
    summary: 'have every server keep no share under these words any more',
    load: async () => (await import('../commands/csr/delete.js')).csrDeleteCommand(),
  },
];

export const CONTACT: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'who brings you back at each server when every device is lost',
    load: async () => (await import('../commands/contact/list.js')).contactListCommand(),
  },
  {
    name: 'set',
    summary: 'name somebody who brings you back at a server when every device is lost',
    load: async () => (await import('../commands/contact/set.js')).contactSetCommand(),
  },
  {
    name: 'verify',
    summary: 'show that a contact works: it counts for nothing before',
    load: async () => (await import('../commands/contact/verify.js')).contactVerifyCommand(),
  },
  {
    name: 'remove',
    summary: 'have a contact bring you back no more, in three days; with the words at once',
    load: async () => (await import('../commands/contact/remove.js')).contactRemoveCommand(),
  },
  {
    name: 'vouch',
    summary: 'vouch for somebody whose contact you are; nobody is told',
    load: async () => (await import('../commands/contact/vouch.js')).contactVouchCommand(),
  },
];

export const ACCOUNT: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'who wants your account at a server, and how far that is',
    load: async () => (await import('../commands/account/list.js')).accountListCommand(),
  },
  {
    name: 'recover',
    summary: 'come back at a server, from a new folder, when every device and the words are lost',
    load: async () => (await import('../commands/account/recover.js')).accountRecoverCommand(),
  },
  {
    name: 'veto',
    summary: 'say no to whoever wants your account at a server',
    load: async () => (await import('../commands/account/veto.js')).accountVetoCommand(),
  },
];
