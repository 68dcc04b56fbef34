import type { CommandNode } from './command-line/command-node.js';
import { SEED, DEVICE, CSR, CONTACT, ACCOUNT } from './command-groups/owner-commands.js';
import { APPROVER, HEIR, TERMS } from './command-groups/people-commands.js';
import { PINNED_SERVERS, OWN_SERVER } from './command-groups/server-commands.js';
import { KEY, DRILL, SESSIONS, REQUESTS } from './command-groups/key-commands.js';

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
      name: 'derive',
      summary: 'a secret for a label, from a quorum of servers: the same each time',
      load: async () => (await import('./commands/derive.js')).deriveCommand(),
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
