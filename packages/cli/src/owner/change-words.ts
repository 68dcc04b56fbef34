import type { ChangedKey, ChangePlan } from '@ckm/client';
import { plainText } from '../terminal/plain-text.js';

/** What a change is, whom it needs, what becomes of old shares, and from what it does not protect: before it begins. */
export function planLines(name: string, { order, next, old, leaving, joining }: ChangePlan): string {
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
    ...(joining.length === 0 ? [] : [`  Join            ${joining.join(', ')}`]),
    ...(leaving.length === 0 ? [] : [`  Leave           ${leaving.map((server) => server.name).join(', ')}`]),
    `  Must be there   all of ${names}, at the same time, for some seconds; until then the key signs as before`,
    `  Old shares      are of no use to the new ones. ${before.join(', ')} are told to destroy theirs: what was stolen`,
    `                  before is worth nothing once ${gone} of these ${old.of} have`,
    `  Does not help   against a server that keeps its old share in secret, or an old backup of one: nobody can see`,
    `                  those. Whoever has ${old.needed} old shares already has the key: make another one and move`,
    '',
  ].join('\n');
}

export function planObject({ kind, order, next, leaving, joining }: ChangePlan) {
  return {
    kind,
    quorum: order.quorum,
    servers: next.map((server) => server.name),
    joining,
    leaving: leaving.map((server) => server.name),
    epoch: order.epoch + 1,
  };
}

/** Who has said what about its old share, in one line. */
export function forgettingLine({ forgetting }: Pick<ChangedKey, 'forgetting'>): string {
  const words = { forgot: '✓', keeps: 'can always rebuild it', silent: 'has not said' } as const;
  return forgetting.map(({ server, outcome }) => `${plainText(server)} ${words[outcome]}`).join('   ');
}

/** What a finished change left. */
export function changedLines(changed: ChangedKey): string {
  const { key, epoch, isAsOrdered, behind, forgetting } = changed;
  const silent = forgetting.filter(({ outcome }) => outcome === 'silent');
  return [
    `${key.name} is in epoch ${epoch}`,
    ...(isAsOrdered
      ? []
      : ['by an earlier order that its servers were bound to: look at it, and order again if need be']),
    ...(behind.length === 0 ? [] : [`not there yet: ${behind.map(plainText).join(', ')}`]),
    `old shares destroyed: ${forgettingLine(changed)}`,
    ...(silent.length === 0
      ? []
      : ['it protects only as far as old shares are gone; ask again with: ckm sessions resume']),
  ].join('\n');
}

export function changedObject({ key, epoch, isAsOrdered, behind, forgetting }: ChangedKey) {
  return { name: key.name, epoch, isAsOrdered, behind, forgetting };
}
