import type { KeyTerms, UseRule } from '@ckm/api';

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
