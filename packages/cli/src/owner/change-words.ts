import { type ChangedKey, type ChangePlan, changersNeeded, isGone } from '@ckm/client';
import { encodeHex, formatSpan } from '@ckm/foundation';
import { nameOfOrder } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import { counted } from '../terminal/counted.js';
import { dateOf } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';

/** What a change is, whom it needs, what becomes of old shares, and from what it does not protect: before it begins. */
export function planLines(name: string, plan: ChangePlan): string {
  const { order, next, old, leaving, joining } = plan;
  const { needed, of } = order.quorum;
  const names = next.map((server) => server.name).join(', ');
  const gone = old.of - old.needed + 1;
  const before = [
    ...next.map((server) => server.name).filter((one) => !joining.includes(one)),
    ...leaving.map((server) => server.name),
  ];
  return [
    '',
    `  Key             ${name}: its public key, addresses and likeness stay as they are`,
    `  Servers         ${needed} of ${of}: ${names}`,
    ...laterLines(order.quorum, plan.strict),
    ...(joining.length === 0 ? [] : [`  Join            ${joining.join(', ')}`]),
    ...(leaving.length === 0 ? [] : [`  Leave           ${leaving.map((server) => server.name).join(', ')}`]),
    ...(plan.kind === 'replace-server' ? replacedLines(plan) : []),
    ...ruleLines(plan),
    `  Must be there   all of ${names}, at the same time, for some seconds; until then the key signs as before`,
    ...decideLines(plan, before),
    ...byWordsLines(plan, before),
    `  Old shares      are of no use to the new ones. ${before.join(', ')} are told to destroy theirs: ${oldSharesText(plan, gone)}`,
    `  Does not help   against a server that keeps its old share in secret, or an old backup of one: nobody can see those. Whoever has ${old.needed} old shares already has the key: make another one and move`,
    '',
  ].join('\n');
}

/** What that is good for: software reaches no share that an identity makes again. */
function oldSharesText({ recovery, old }: ChangePlan, gone: number): string {
  return recovery === 'static'
    ? 'but with recovery static each makes its own again out of its identity file, so that what was stolen before is worth as much as it was'
    : `what was stolen before is worth nothing once ${gone} of these ${old.of} have`;
}

/** Where the next change takes more servers than a signature. */
function laterLines(quorum: ChangePlan['order']['quorum'], strict: boolean): string[] {
  const changers = changersNeeded(quorum, strict);
  if (changers === quorum.needed) return [];
  return [`  Later changes   take ${changers} of these ${quorum.of}, though ${quorum.needed} sign`];
}

/** Whether those that stay are too few to decide: then some that leave have to be there as well. */
function needsLeaving({ old, leaving, deciding }: ChangePlan): boolean {
  return old.of - leaving.length < deciding;
}

/** Who decides, where that is more than those that have to be there for their shares, or the key is strict. */
function decideLines(plan: ChangePlan, before: readonly string[]): string[] {
  const { old, deciding, strict } = plan;
  if (plan.byWords !== null || (!strict && !needsLeaving(plan))) return [];
  const who = deciding === old.of ? 'all of' : `${deciding} of`;
  const why = strict ? ', because the key was made strict' : '';
  return [`  Decide          ${who} ${before.join(', ')}${why}: with fewer of them there, nothing changes`];
}

/** What it means that the words have fewer decide. */
function byWordsLines(
  { byWords, deciding, old, orderHash }: ChangePlan,
  before: readonly string[],
): string[] {
  if (byWords === null) return [];
  const cancel = `ckm sessions cancel ${encodeHex(orderHash).slice(0, 8)}`;
  return [
    `  By the words    ${deciding} of ${before.join(', ')} decide, where any other change takes ${byWords.ever} of ${old.of}; no device can order that`,
    `  Stopped by      any device of yours (${cancel}), and any operator, until it is decided; every device sees it in ckm status`,
    '  May fork        for ever: servers that are away may have decided otherwise, or still do, without whoever decides now. Then the key',
    '                  stops when both come to light, until you say which counts (ckm key settle)',
    ...(byWords.areHere
      ? [
          '  The words       lie on this machine: whoever opens them here can order this too, so that only operators, and whoever',
          '                  looks in time, stand between a thief and it',
        ]
      : []),
  ];
}

/** What becomes of the share of a server whose place another one takes. */
function replacedLines(plan: ChangePlan): string[] {
  const [name = ''] = plan.leaving.map((server) => server.name);
  return [
    `  Dies            the share of ${name}: nobody gives it back, and it is of no use beside the new ones, whoever finds it;`,
    `                  ${name} ${needsLeaving(plan) ? 'has to be there all the same, to decide' : 'need not be there'}`,
  ];
}

/** What servers wait for, and what their operators have to be told: they do not know the words from elsewhere. */
function ruleLines({ rules, orderHash, byWords }: ChangePlan): string[] {
  if (rules === null) return [];
  const delay =
    rules.changeDelay === 0 ? 'at once' : `${formatSpan(rules.changeDelay)} after it first heard of it`;
  const who = rules.changes === 'operator' ? ', and not before its operator has typed the six words' : '';
  return [
    `  Waits           each server takes part ${delay}${who}`,
    ...(rules.changes === 'operator'
      ? [
          `  Six words       ${formatWords(likenessOf(nameOfOrder(orderHash, byWords !== null)))}   tell them to each operator yourself, by phone or in person`,
        ]
      : []),
  ];
}

export function planObject(plan: ChangePlan) {
  const { kind, order, next, leaving, joining, deciding, strict, rules, orderHash, byWords } = plan;
  return {
    kind,
    quorum: order.quorum,
    servers: next.map((server) => server.name),
    joining,
    leaving: leaving.map((server) => server.name),
    epoch: order.epoch + 1,
    deciding,
    strict,
    rules,
    byWords,
    words:
      rules?.changes === 'operator'
        ? formatWords(likenessOf(nameOfOrder(orderHash, byWords !== null)))
        : null,
  };
}

/** Who has said what about its old share, in one line. */
export function forgettingLine({ forgetting }: Pick<ChangedKey, 'forgetting'>): string {
  return forgetting.map((one) => `${plainText(one.server)} ${forgettingWords(one)}`).join('   ');
}

/** A backup from before then opens the share, wherever it lies: nobody but its operator can destroy it. */
function forgettingWords(said: ChangedKey['forgetting'][number]): string {
  const { outcome, backupAt, backups } = said;
  if (outcome !== 'forgot' || isGone(said)) return FORGETTING_WORDS[outcome];
  const which = backups === null ? `its backup of ${dateOf(backupAt!)}` : counted(backups, 'backup');
  return `says it has, but ${which} may hold it`;
}

const FORGETTING_WORDS = {
  forgot: 'says it has ✓',
  undone: 'says it could NOT',
  keeps: 'can always rebuild it',
  silent: 'has not said',
} as const;

/** What a finished change left. */
export function changedLines(changed: ChangedKey): string {
  const { key, epoch, isAsOrdered, behind, forgetting, faults } = changed;
  const isAnySilent = forgetting.some(({ outcome }) => outcome === 'silent');
  return [
    `${key.name} is in epoch ${epoch}`,
    ...(changed.mayFork ? [MAY_FORK] : []),
    ...(isAsOrdered
      ? []
      : ['by an earlier order that its servers were bound to: look at it, and order again if need be']),
    ...(behind.length === 0 ? [] : [`not there yet: ${behind.map(plainText).join(', ')}`]),
    `told to destroy their old shares: ${forgettingLine(changed)}`,
    ...faults.map(({ code, text }) => `wrong: ${plainText(text)} (${code}); tell its operator`),
    protectionLine(changed),
    ...backupLines(changed),
    ...(changed.isElsewhere
      ? ['a recovery sheet that was printed before names the old servers: print a new one, ckm sheet --html']
      : []),
    ...(isAnySilent || behind.length > 0 ? ['ask again with: ckm sessions resume'] : []),
  ].join('\n');
}

const MAY_FORK =
  'decided by the words, with fewer servers than ever decide: another epoch of that number may come to light for ever';

/** Whether what was stolen before is worth anything still, by what servers say; a share that a backup may hold is not gone. */
export function protectionLine({
  forgetting,
  forgettingNeeded: needed,
}: Pick<ChangedKey, 'forgetting' | 'forgettingNeeded'>): string {
  const gone = forgetting.filter(isGone).length;
  if (gone >= needed)
    return `${gone} have, ${needed} were needed: shares stolen before are worth nothing now`;
  return `it protects only if enough old shares are deleted: ${gone} of the ${needed} needed`;
}

/** Who holds on to what, and what ends it: software reaches no file that lies elsewhere. */
function backupLines({ key, forgetting }: Pick<ChangedKey, 'key' | 'forgetting'>): string[] {
  const holding = forgetting.filter((said) => said.outcome === 'forgot' && !isGone(said));
  if (holding.length === 0) return [];
  const who = holding.map(({ server }) => plainText(server)).join(', ');
  return [
    `old backups go by their operators' hands alone (${who}): ckm server backups-destroyed at each, then ckm key check ${key.name}`,
  ];
}

export function changedObject({
  key,
  epoch,
  isAsOrdered,
  mayFork,
  behind,
  forgetting,
  forgettingNeeded,
  isElsewhere,
  faults,
}: ChangedKey) {
  return {
    name: key.name,
    epoch,
    mayFork,
    isAsOrdered,
    isElsewhere,
    behind,
    forgetting,
    forgettingNeeded,
    faults,
  };
}
