import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { listServerRecords } from '../../servers/servers.js';
import type { CertifiedKey } from '../key-record.js';
import { listSettlements, saveSettlement } from './settlement-record.js';

/** What became of taking an order back that was to settle which certificate counts, by server. */
export interface CancelledSettlement {
  /** It waited there, and is taken back. */
  readonly at: readonly string[];
  /** They do not answer: it may wait there. */
  readonly silent: readonly string[];
}

/** Takes every order to settle which certificate of a key counts back at every server on record, whichever client of the owner gave it. */
export async function cancelSettlement(
  context: ClientContext,
  { keyId }: Pick<CertifiedKey, 'keyId'>,
): Promise<CancelledSettlement> {
  const servers = await listServerRecords(context.store);
  const outcomes = await Promise.all(
    servers.map(async (server) => {
      try {
        const link = await context.linkTo(server);
        const { settlement } = (await link.call('key.show', { keyId })).key;
        if (settlement === undefined) return 'none';
        const { epoch, orderHash } = settlement;
        await link.call('fork.cancel', { keyId, epoch, orderHash });
        return 'cancelled';
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        return error.code === 'KEY_UNKNOWN' || error.code === 'CHANGE_UNKNOWN' ? 'none' : 'silent';
      }
    }),
  );
  for (const record of await listSettlements(context.store, keyId)) {
    // What is settled cannot be taken back.
    if (record.state === 'open' && record.votes === null)
      await saveSettlement(context.store, { ...record, state: 'cancelled' });
  }
  const those = (outcome: string) =>
    servers.flatMap(({ name }, i) => (outcomes[i] === outcome ? [name] : []));
  return { at: those('cancelled'), silent: those('silent') };
}
