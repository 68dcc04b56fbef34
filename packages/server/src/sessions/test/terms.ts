import type { KeyTerms, UseRule } from '@ckm/api';
import { openHead, sealHead } from '../keys/stored/key-head.js';
import type { BareServer } from './bare-server.js';
import { alice } from './bare-servers.js';

const DAY = 86_400;
const EVERYBODY = ['ann', 'bob', 'cy'];
const bytes = (fill: number) => new Uint8Array(32).fill(fill);

/** What is added to the usual policy of a key: so many rules, three people, and two of them for a change. */
export function termsWith(approvals: readonly UseRule[], more: Partial<KeyTerms> = {}): Partial<KeyTerms> {
  return {
    approvals: [...approvals],
    approvers: EVERYBODY.map((name, at) => ({
      name,
      xid: bytes(at + 1),
      keys: [{ kind: 'ed25519', key: bytes(at + 101) }],
    })),
    ownerKey: bytes(9),
    change: { needed: 2, of: EVERYBODY, delaySeconds: 3 * DAY, words: 30 * DAY },
    ...more,
  };
}

/** Messages of the domain `test` go freely, `asked` by two of three, and others not at all. */
export const BY_DOMAIN: readonly UseRule[] = [
  { when: { fact: 'domain', among: ['test'] }, needed: 0, of: [] },
  { when: { fact: 'domain', among: ['asked'] }, needed: 2, of: EVERYBODY },
];

/** Has other terms in force at a server, as if it had been told of them, from the next look at the key on. */
export async function putInForce(server: BareServer, keyId: Uint8Array, policy: KeyTerms): Promise<void> {
  const { context } = server;
  await context.storage.transact(async (transaction) => {
    const row = (await transaction.keys.hold(alice.xid, keyId))!;
    const head = openHead(context, row);
    const { sealed: _sealed, ...columns } = { ...row, version: row.version + 1 };
    await transaction.keys.update(sealHead(context, head, { ...head, policy }, columns));
  });
}
