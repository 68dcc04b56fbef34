import type { ForkChoice, SeenMember, SettledKey, SettlementPlan } from '@ckm/client';
import { formatWords, likenessOf } from '@ckm/gordian';
import { plainText } from '../terminal/plain-text.js';
import { wordsOf } from '../terminal/remedy-words.js';

/** What is to be settled, who settles it, and what becomes of the others: before it begins. */
export function planLines(plan: SettlementPlan): string {
  const { fork, counts, isChosen, goesOn, isContested, orderHash, others } = plan;
  const { key, epoch, choices, twice, settlers, needed, orders, silent } = fork;
  return [
    '',
    `  Key             ${key}: its public key, addresses and likeness stay as they are`,
    `  Forked          ${choices.length} certificates of epoch ${epoch + 1} hold`,
    ...choices.flatMap((choice) => choiceLines(choice, isChosen ? choice === counts : null)),
    `  Signed twice    ${twice.length === 0 ? 'nobody, as far as they show' : namesText(twice)}`,
    `  Settle          ${needed} of ${namesText(settlers)}, by the rules of a change of who holds the key`,
    isChosen
      ? `  Six words       ${formatWords(likenessOf(orderHash))}   for each operator who is asked: tell them yourself, by phone or in person`
      : `  Say which       ${whyToSay(isContested)}: --counts and the digits of one`,
    `  Dies            the shares that any other certificate gave out: each server destroys its own`,
    `  Does not help   against servers that lie: where as many as a quorum of a certificate do, they have the key.`,
    '                  Make another one and move then',
    ...orders.map(
      (one) =>
        `  Ordered         at ${one.servers.map(plainText).join(', ')}: six words ${formatWords(likenessOf(one.orderHash))}`,
    ),
    ...others.map(
      (one) =>
        `  Forked as well  epoch ${one.epoch + 1}: --counts ${one.choices.map(({ id }) => id).join(' or ')}; this one first`,
    ),
    ...(goesOn ? ['  Goes on         it was ordered here before'] : []),
    ...(silent.length === 0 ? [] : [`  Silent          ${silent.map(plainText).join(', ')}`]),
    '',
  ].join('\n');
}

/** Why nobody but the owner can say which is to count. */
export function whyToSay(isContested: boolean): string {
  return isContested
    ? 'servers show votes against the one that this computer has as settled'
    : 'this computer went on by none of them';
}

/** @param isIt null: which is to count has not been said */
function choiceLines(choice: ForkChoice, isIt: boolean | null): string[] {
  const { id, quorum, members, servers, isOnRecord, transcriptHash } = choice;
  const on = servers.length === 0 ? 'nobody that answers' : servers.map(plainText).join(', ');
  return [
    `  ${(isIt === null ? 'Could count' : isIt ? 'Would count' : 'Would die').padEnd(16)}${id} (${formatWords(likenessOf(transcriptHash))})`,
    `                  ${quorum.needed} of ${quorum.of}: ${namesText(members)}`,
    `                  went on by it: ${on}${isOnRecord ? '; this computer too' : ''}`,
  ];
}

export function planObject({ fork, counts, isChosen, goesOn, orderHash, others }: SettlementPlan) {
  const { epoch, choices, twice, settlers, needed, orders, silent } = fork;
  return {
    epoch: epoch + 1,
    counts: isChosen ? counts.id : null,
    others: others.map((one) => ({ epoch: one.epoch + 1, choices: one.choices.map(({ id }) => id) })),
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
    words: isChosen ? formatWords(likenessOf(orderHash)) : null,
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

function nextOf({ key: { name }, isOver, alsoForked, lost }: SettledKey): string {
  const [server] = lost;
  if (!isOver) return `when they answer: ckm key settle ${name}`;
  if (alsoForked.length > 0) return `epoch ${alsoForked[0]} is forked as well: ckm key settle ${name}`;
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
