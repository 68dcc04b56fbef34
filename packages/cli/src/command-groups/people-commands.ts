import type { CommandNode } from '../command-line/command-node.js';

export const APPROVER: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'what waits for your yes or no, at every server of every key you were asked for',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/list.js')).approverListCommand(),
  },
  {
    name: 'show',
    summary: 'one thing that waits for you: what it does, who asks, and by which terms',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/show.js')).approverShowCommand(),
  },
  {
    name: 'approve',
    summary: 'say yes to what waits for you',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/approve.js')).approverApproveCommand(),
  },
  {
    name: 'reject',
    summary: 'say no to what waits for you',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/reject.js')).approverRejectCommand(),
  },
  {
    name: 'take-back',
    summary: 'take back what you said, before anything is signed: neither yes nor no any more',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/take-back.js')).approverTakeBackCommand(),
  },
  {
    name: 'init',
    summary: 'make this folder one that says yes or no to what keys of others do',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/init.js')).approverInitCommand(),
  },
  {
    name: 'join',
    summary: 'take an invitation to be an approver of a key, and answer it',
    group: 'Whoever is asked:',
    load: async () => (await import('../commands/approver/join.js')).approverJoinCommand(),
  },
  {
    name: 'invite',
    summary: 'write an invitation for somebody whose yes a key of yours is to ask for',
    group: 'The owner of a key:',
    load: async () => (await import('../commands/approver/invite.js')).approverInviteCommand(),
  },
  {
    name: 'add',
    summary: 'take in what somebody answered to your invitation',
    group: 'The owner of a key:',
    load: async () => (await import('../commands/approver/add.js')).approverAddCommand(),
  },
];

export const HEIR: readonly CommandNode[] = [
  {
    name: 'list',
    summary: 'keys whose terms name you, how long their owners have been silent, and who has asked',
    load: async () => (await import('../commands/heir/list.js')).heirListCommand(),
  },
  {
    name: 'ask',
    summary: 'ask for a key whose owner has been silent, or go on with that',
    load: async () => (await import('../commands/heir/ask.js')).heirAskCommand(),
  },
  {
    name: 'sign',
    summary: 'sign with a key whose use is granted to you, within its terms',
    load: async () => (await import('../commands/heir/sign.js')).heirSignCommand(),
  },
  {
    name: 'doubt',
    summary: 'say that the owner may live: what somebody else asks for waits anew, once',
    load: async () => (await import('../commands/heir/doubt.js')).heirDoubtCommand(),
  },
  {
    name: 'recover',
    summary: 'take a key that may leave out of its servers, whole, where that is granted to you',
    load: async () => (await import('../commands/heir/recover.js')).heirRecoverCommand(),
  },
];

export const TERMS: readonly CommandNode[] = [
  {
    name: 'show',
    summary: 'the terms of a key in sentences, and which of its servers have them',
    load: async () => (await import('../commands/terms/show.js')).termsShowCommand(),
  },
  {
    name: 'test',
    summary: 'what the terms of a key answer to a request; nobody is asked',
    load: async () => (await import('../commands/terms/test.js')).termsTestCommand(),
  },
  {
    name: 'propose',
    summary: 'propose other terms of a key: what is tighter works at once, all else waits',
    load: async () => (await import('../commands/terms/propose.js')).termsProposeCommand(),
  },
  {
    name: 'approve',
    summary: 'bring servers what approvers said on paper about terms that you proposed',
    load: async () => (await import('../commands/terms/approve.js')).termsApproveCommand(),
  },
  {
    name: 'settle',
    summary: 'have servers that went on in different ways go by the same terms again',
    load: async () => (await import('../commands/terms/settle.js')).termsSettleCommand(),
  },
  {
    name: 'stop',
    summary: 'stop a change of the terms of a key that waits, whoever proposed it',
    load: async () => (await import('../commands/terms/stop.js')).termsStopCommand(),
  },
  {
    name: 'history',
    summary: 'how the terms of a key came about, as its servers show it',
    load: async () => (await import('../commands/terms/history.js')).termsHistoryCommand(),
  },
];
