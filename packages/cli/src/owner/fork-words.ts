import type { ForkChoice, SeenMember, SettledKey, SettlementPlan } from '@ckm/client';
import { formatWords, likenessOf } from '@ckm/gordian';
import { plainText } from '../terminal/plain-text.js';
import { wordsOf } from '../terminal/remedy-words.js';

/** What is to be settled, who settles it, and what becomes of the others: before it begins. */
export function planLines({ fork, counts, goesOn, orderHash }: SettlementPlan): string {
  const { key, epoch, choices, twice, settlers, needed, orders, silent } = fork;
  return [
    '',
    `  Key             ${key}: its public key, addresses and likeness stay as they are`,
    `  Forked          ${choices.length} certificates of epoch ${epoch + 1} hold`,
    ...choices.flatMap((choice) => choiceLines(choice, choice === counts)),
    `  Signed twice    ${twice.length === 0 ? 'nobody, as far as they show' : namesText(twice)}`,
    `  Settle          ${needed} of ${namesText(settlers)}, by the rules of a change of who holds the key`,
    `  Six words       ${formatWords(likenessOf(orderHash))}   for each operator who is asked: tell them yourself, by phone or in person`,
    `  Dies            the shares that any other certificate gave out: each server destroys its own`,
    `  Does not help   against servers that lie: where as many as a quorum of a certificate do, they have the key.`,
    '                  Make another one and move then',
    ...orders.map(
      (one) =>
        `  Ordered         at ${one.servers.map(plainText).join(', ')}: six words ${formatWords(likenessOf(one.orderHash))}`,
    ),
    ...(goesOn ? ['  Goes on         it was ordered here before'] : []),
    ...(silent.length === 0 ? [] : [`  Silent          ${silent.map(plainText).join(', ')}`]),
    '',
  ].join('\n');
}

function choiceLines(choice: ForkChoice, isIt: boolean): string[] {
  const { id, quorum, members, servers, isOnRecord, transcriptHash } = choice;
  const on = servers.length === 0 ? 'nobody that answers' : servers.map(plainText).join(', ');
  return [
    `  ${(isIt ? 'Would count' : 'Would die').padEnd(16)}${id} (${formatWords(likenessOf(transcriptHash))})`,
    `                  ${quorum.needed} of ${quorum.of}: ${namesText(members)}`,
    `                  went on by it: ${on}${isOnRecord ? '; this computer too' : ''}`,
  ];
}

export function planObject({ fork, counts, goesOn, orderHash }: SettlementPlan) {
  const { epoch, choices, twice, settlers, needed, orders, silent } = fork;
  return {
    epoch: epoch + 1,
    counts: counts.id,
    choices: choices.map(({ id, quorum, members, servers, isOnRecord }) => ({
      id,
      quorum,
      members,
      servers,
      isOnRecord,
    })),
    twice,
    settlers,
    needed,
    orders,
    goesOn,
    words: formatWords(likenessOf(orderHash)),
    silent,
  };
}

/** What came of it, and the one next step. */
export function settledLines(settled: SettledKey): string {
  const { key, epoch, transcriptHash, told, wentBack, lost, awaited, twice } = settled;
  const words = formatWords(likenessOf(transcriptHash));
  return [
    `settled: one certificate of epoch ${epoch} of ${key.name} counts (${words})`,
    `  told            ${told.length === 0 ? 'nobody' : told.map(plainText).join(', ')}`,
    ...(wentBack.length === 0
      ? []
      : [
          `  went over       ${wentBack.map(plainText).join(', ')}: what came of another one is destroyed there`,
        ]),
    ...awaited.map(({ server, because }) => `  has not heard   ${plainText(server)} ${because}`),
    ...lost.map((server) => `  has no share    ${plainText(server)}`),
    `  next            ${nextOf(settled)}`,
    ...(twice.length === 0 ? [] : [`  signed twice    ${namesText(twice)}: find out why, or let it go`]),
  ].join('\n');
}

function nextOf({ key: { name }, awaited, lost }: SettledKey): string {
  const [server] = lost;
  if (awaited.length > 0) return `when they answer: ckm key settle ${name}`;
  if (server !== undefined) return `${wordsOf({ kind: 'repairKey', keys: [name], server }).command}`;
  return `ckm key refresh ${name}: behind another epoch no dead certificate stops anybody`;
}

export function settledObject({ key, ...settled }: SettledKey) {
  return { name: key.name, ...settled };
}

/** Servers by their names; those that are not on record here by what their operators see. */
function namesText(members: readonly SeenMember[]): string {
  return members
    .map(({ name, xid }) => name ?? `a server unknown here (${formatWords(likenessOf(xid))})`)
    .join(', ');
}
