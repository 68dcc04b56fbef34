import type { Client, Membership, SeenMember, SeenOrder } from '@ckm/client';
import { CkmError, encodeHex, UsageError } from '@ckm/foundation';
import { nameOfOrder } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { wordsOf } from '../terminal/remedy-words.js';
import type { Terminal } from '../terminal/terminal.js';

/** Longest wait for servers where orders are only looked at beside what is on record. */
const LOOK_MS = 1_500;
/** The same where an order is looked for. */
const FIND_MS = 4_000;

/** Orders that servers show besides what is on record, in commands that work without any server too. */
export async function lookForOrders(client: Client, name?: string): Promise<readonly SeenOrder[]> {
  const { orders } = await client.openOrders({ timeoutMs: LOOK_MS, ...(name === undefined ? {} : { name }) });
  return orders;
}

/** The same of one key, with the servers that answer nothing because two certificates of one epoch of it hold. */
export async function lookAtKey(
  client: Client,
  name: string,
): Promise<{ readonly orders: readonly SeenOrder[]; readonly forked: readonly string[] }> {
  const { orders, forked } = await client.openOrders({ timeoutMs: LOOK_MS, name });
  return { orders, forked: forked.flatMap(({ servers }) => servers) };
}

/**
 * The order that the first digits of its id name, as servers show it; null: none does.
 * @throws UsageError `SESSION_AMBIGUOUS`
 */
export async function findOrder(client: Client, id: string): Promise<SeenOrder | null> {
  const wanted = id.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(wanted)) return null;
  const { orders } = await client.openOrders({ timeoutMs: FIND_MS });
  const found = orders.filter(({ orderHash }) => encodeHex(orderHash).startsWith(wanted));
  if (found.length <= 1) return found[0] ?? null;
  throw new UsageError(`more than one session begins with ${wanted}`, {
    code: 'SESSION_AMBIGUOUS',
    hint: 'write more digits of its id',
  });
}

/** What is on record under an id; where nothing is, null: servers may show an order by it. */
export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CkmError && error.code === 'SESSION_UNKNOWN') return null;
    throw error;
  }
}

/** An order in one line: what is to change, for a list. */
export function orderTitle({ key, byWords }: SeenOrder): string {
  return `changing the servers of ${key}${byWords ? ', by the words' : ''}`;
}

/** What would become of the servers: "2 of 3 → 3 of 5, delta and echo join". */
export function orderChange({ old, next, joining, leaving }: SeenOrder): string {
  if (old === null) return `${membershipText(next)}, after an epoch that is not on record here`;
  const numbers = `${quorumText(old)} → ${quorumText(next)}`;
  const joins = joining.length === 0 ? [] : [`${namesText(joining)} would join`];
  const leaves = leaving.length === 0 ? [] : [`${namesText(leaving)} would leave`];
  return [numbers, ...joins, ...leaves].join(', ');
}

/** From when servers take part in it. */
export function orderCounts({ asking, readyAt }: SeenOrder): string {
  const time =
    readyAt === null ? 'its servers take part now' : `from ${formatInstant(readyAt, unixNow())} on`;
  if (asking.length === 0) return time;
  const typed = `once the ${asking.length === 1 ? 'operator' : 'operators'} of ${asking.map(plainText).join(', ')} typed its six words`;
  return readyAt === null ? typed : `${time}, ${typed}`;
}

/** Who gave it, as far as this client knows, and what to do about it. */
export function orderOrigin(terminal: Terminal, { origin, id }: SeenOrder): string {
  const { command } = wordsOf({ kind: 'cancelSession', id });
  if (origin === 'open') return `ordered here; not any more: ${command}`;
  if (origin === 'over') return terminal.style('yellow', `over here, not there yet: ${command}`);
  return terminal.style('red', `NOT ordered here; if no device of yours did: ${command}`);
}

/** An order with the servers before and after it, line by line. */
export function orderLines(terminal: Terminal, order: SeenOrder): string {
  const { key, old, next, servers, orderHash, byWords } = order;
  return [
    `  Change      an order to change the servers of ${key} waits at ${servers.map(plainText).join(', ')}`,
    ...(old === null
      ? ['  Now         an epoch of the key that is not on record here: ckm key verify']
      : [`  Now         ${membershipText(old)}`]),
    `  Then        ${membershipText(next)}`,
    `  Counts      ${orderCounts(order)}`,
    ...(byWords
      ? [
          '  By words    fewer servers decide than ever do, and it may fork: it was ordered with the words of the account, by no device',
        ]
      : []),
    `  Six words   ${formatWords(likenessOf(nameOfOrder(orderHash, byWords)))}`,
    `  Given       ${orderOrigin(terminal, order)}`,
  ].join('\n');
}

/** An order for machines. */
export function orderObject(order: SeenOrder): unknown {
  const {
    id,
    orderHash,
    key,
    epoch,
    origin,
    servers,
    old,
    next,
    joining,
    leaving,
    asking,
    readyAt,
    byWords,
  } = order;
  return {
    id,
    sessionId: orderHash,
    state: 'open',
    kind: 'reshare',
    title: orderTitle(order),
    key,
    epoch,
    origin,
    servers,
    old,
    next,
    joining,
    leaving,
    asking,
    readyAt,
    byWords,
    words: formatWords(likenessOf(nameOfOrder(orderHash, byWords))),
  };
}

function membershipText({ quorum: { needed, of }, members }: Membership): string {
  return `${needed} of ${of}: ${namesText(members)}`;
}

function quorumText({ quorum: { needed, of } }: Membership): string {
  return `${needed} of ${of}`;
}

/** Servers by their names; those that are not on record here by what their operators see. */
function namesText(members: readonly SeenMember[]): string {
  return members
    .map(({ name, xid }) => name ?? `a server unknown here (${formatWords(likenessOf(xid))})`)
    .join(', ');
}
