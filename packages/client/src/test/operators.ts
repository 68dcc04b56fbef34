import { nameOfOrder } from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import type { TestNetwork } from './test-network.js';

type Servers = Pick<TestNetwork, 'servers'>;

/** The operators of these servers, by default all, say yes to the sessions that wait for them. */
export async function approveSessions({ servers }: Servers, ...names: readonly string[]): Promise<void> {
  for (const { name, bare } of servers) {
    if (names.length > 0 && !names.includes(name)) continue;
    const { sessionDesk } = bare.sessions;
    for (const waiting of (await sessionDesk.list()).sessions) await sessionDesk.approve(waiting);
  }
}

/** Every operator who is asked about a change, or about which certificate counts, types the six words. */
export async function approveChanges({ servers }: Servers): Promise<void> {
  for (const { bare } of servers) {
    const { changeDesk } = bare.sessions;
    for (const waiting of (await changeDesk.list()).changes)
      if (waiting.asked) await changeDesk.approve(waiting, wordsOf(waiting));
  }
}

/** As the owner reads them out: an order that the words gave has others. */
function wordsOf({
  orderHash,
  sentence,
}: {
  readonly orderHash: Uint8Array;
  readonly sentence: string;
}): string {
  return formatWords(likenessOf(nameOfOrder(orderHash, sentence.includes('By the words'))));
}
