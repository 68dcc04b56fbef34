import { decodeHex } from '@ckm/foundation';
import type { Operator, OperatorChange } from '@ckm/server';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { likenessLine } from '../terminal/likeness.js';

/** Digits of an order's hash that people are shown; the first ones of it name a change. */
const SHOWN = 8;

/** Every change of who holds a key that waits, for its operator or its delay. */
export async function listChanges(operator: Operator): Promise<OperatorChange[]> {
  const all: OperatorChange[] = [];
  for (let after = {}; ;) {
    const { changes, next } = await operator.changes(after);
    all.push(...changes);
    if (next === null) return all;
    after = next;
  }
}

/** The change that waits for the operator under an id beginning like that; null: there is none. */
export async function findChange(operator: Operator, id: string): Promise<OperatorChange | null> {
  const prefix = id.toLowerCase();
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) return null;
  const found = (await listChanges(operator)).filter(
    ({ orderHash, asked }) => asked && orderHash.startsWith(prefix),
  );
  return found.length === 1 ? found[0]! : null;
}

/**
 * As people read it: who holds the key now, and who would. Never the six words of the change: those come from its owner.
 */
export function formatChange(change: OperatorChange): string {
  const { orderHash, sentence, owner, keyId, transcriptHash, asked, readyAt, dead, by } = change;
  const now = unixNow();
  return [
    `${orderHash.slice(0, SHOWN)}  ${sentence}`,
    `key ${likenessLine(decodeHex(transcriptHash))} (${keyId.slice(0, SHOWN)}) · account ${owner.slice(0, SHOWN)}`,
    ...(dead.length === 0 ? changeLines(change) : settlingLines(change)),
    ...(by === null ? [] : [`ordered by the device ${by.slice(0, SHOWN)} of that account`]),
    asked ? 'waits for you' : 'does not wait for you',
    readyAt === null
      ? 'its delay is over'
      : `its delay is over ${formatInstant(readyAt, now)} if the server runs on`,
  ].join(`\n${' '.repeat(SHOWN + 2)}`);
}

function changeLines({ old, oldQuorum, next, nextQuorum }: OperatorChange): string[] {
  return [
    `now, ${oldQuorum.needed} of ${oldQuorum.of}:`,
    ...old.map(({ serverId, url }) => memberLine(isIn(next, serverId) ? ' ' : '-', serverId, url)),
    `then, ${nextQuorum.needed} of ${nextQuorum.of}:`,
    ...next.map(({ serverId, url }) => memberLine(isIn(old, serverId) ? ' ' : '+', serverId, url)),
  ];
}

/** Who holds the key by the certificate that is to count, and by each of those whose shares are to die. */
function settlingLines({ next, nextQuorum, dead }: OperatorChange): string[] {
  return [
    `counts, ${nextQuorum.needed} of ${nextQuorum.of}:`,
    ...next.map(({ serverId, url }) => memberLine(' ', serverId, url)),
    ...dead.flatMap(({ quorum, members }) => [
      `dies, ${quorum.needed} of ${quorum.of}:`,
      ...members.map(({ serverId, url }) => memberLine(isIn(next, serverId) ? ' ' : '-', serverId, url)),
    ]),
  ];
}

function isIn(members: OperatorChange['next'], id: string): boolean {
  return members.some(({ serverId }) => serverId === id);
}

function memberLine(mark: string, serverId: string, url: string): string {
  const where = url === '' ? '' : `  ${url}`;
  return `${mark} ${likenessLine(decodeHex(serverId))}${where}`;
}
