import { decodeHex, encodeHex } from '@ckm/foundation';
import type { ChangeCursor, SeenChange, WaitingChange } from '../../context.js';
import type { OperatorChange, OperatorChanges, OperatorSeenChange } from '../schemas/changes.js';
import type { DeskMeans } from './means.js';

/** Changes of who holds a key that wait for the operator, or for their delay. */
export function createOperatorChanges({ context, sessions }: DeskMeans) {
  const { events } = context;
  return {
    /** A page of them, behind `after`. */
    waitingChanges: async (after: ChangeCursor | null): Promise<OperatorChanges> => {
      const { changes, next } = await sessions.changeDesk.list(after);
      return { changes: changes.map(view), next: next === null ? null : cursorOf(next) };
    },
    /**
     * @param seen what was looked at: nothing else is approved
     * @param words the six words of the order
     */
    approveChange: async (seen: OperatorSeenChange, words: string, as: string | null): Promise<void> => {
      await sessions.changeDesk.approve(seenOf(seen), words, as);
      events.operatorActed({ action: 'approve-change' });
    },
    rejectChange: async (seen: OperatorSeenChange, reason: string, as: string | null): Promise<void> => {
      await sessions.changeDesk.reject(seenOf(seen), reason, as);
      events.operatorActed({ action: 'reject-change' });
    },
  };
}

function seenOf({ owner, keyId, epoch, orderHash }: OperatorSeenChange): SeenChange {
  return { owner: decodeHex(owner), keyId: decodeHex(keyId), epoch, orderHash: decodeHex(orderHash) };
}

function cursorOf({ owner, keyId, epoch }: ChangeCursor) {
  return { owner: encodeHex(owner), keyId: encodeHex(keyId), epoch };
}

function view(change: WaitingChange): OperatorChange {
  const { orderHash, transcriptHash, old, dead, next, by, ...rest } = change;
  return {
    ...rest,
    ...cursorOf(change),
    orderHash: encodeHex(orderHash),
    transcriptHash: encodeHex(transcriptHash),
    old: old.map(memberOf),
    dead: dead.map(({ quorum, members }) => ({ quorum, members: members.map(memberOf) })),
    next: next.map(memberOf),
    by: by === null ? null : encodeHex(by),
  };
}

function memberOf({ serverId, url }: WaitingChange['old'][number]): OperatorChange['old'][number] {
  return { serverId: encodeHex(serverId), url };
}
