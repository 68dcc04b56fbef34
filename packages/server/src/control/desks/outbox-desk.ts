import { encodeHex } from '@ckm/foundation';
import { listOutbox, retryOutbox } from '../../outbox/outbox.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import type { OutboxRow } from '../../storage/storage.js';
import type { OperatorOutbox } from '../schemas/outbox.js';
import type { DeskMeans } from './means.js';
import { note } from './note.js';

/** How much is told at once. */
const PAGE = 200;

/** What goes out to people, without what it says. */
export function createOutboxDesk({ context }: DeskMeans) {
  const { storage, audit, events } = context;
  return {
    /** A page of it, behind `after`. */
    outbox: async (after: Pick<OutboxRow, 'owner' | 'id'> | null): Promise<OperatorOutbox> => {
      const { found, next } = await listOutbox(context, after, PAGE);
      const hex = (place: Pick<OutboxRow, 'owner' | 'id'>) => ({
        owner: encodeHex(place.owner),
        id: encodeHex(place.id),
      });
      const entries = found.map(({ way, state, dueAt, createdAt, tries, code, ...place }) => ({
        ...hex(place),
        way,
        state,
        dueAt,
        createdAt,
        tries,
        code,
      }));
      return { entries, next: next === null ? null : hex(next) };
    },
    retryOutbox: async (): Promise<{ readonly retried: number }> => {
      const retried = await repeatWhenRaced(() =>
        storage.transact(async (transaction) => {
          const count = await retryOutbox(context, transaction);
          await note(audit, transaction, 'operator.outbox', 'Send again what was not sent', {
            detail: `${count} messages`,
          });
          return count;
        }),
      );
      events.operatorActed({ action: 'outbox' });
      return { retried };
    },
  };
}
