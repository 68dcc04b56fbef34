import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { isSilence, type Participant } from '../../servers/ask-all.js';
import type { CertifiedKey } from '../key-record.js';
import { planRestoration } from '../restore-key.js';
import { rosterOf } from '../roster.js';

/** What became of the repairs of a share at the servers of its key. */
export interface StoppedRepair {
  /** Servers at which one went on, and is stopped. */
  readonly stopped: readonly string[];
  /** Servers that did not answer: it may go on there. */
  readonly silent: readonly string[];
}

/**
 * Stops every repair of a server's share, whoever began it: any device of the owner may. What was counted of the time that helpers
 * wait is lost with it, and another one begins anew.
 * @throws UsageError `SERVER_UNKNOWN`, `QUORUM_SERVERS_MISMATCH`; StorageError `SERVER_PIN_DIFFERS`; what a server answers
 */
export async function stopRepair(
  context: ClientContext,
  key: CertifiedKey,
  server: string,
): Promise<StoppedRepair> {
  const [target] = (await planRestoration(context, key, [server])) as [Participant];
  const outcomes = await Promise.all(
    (await rosterOf(context, key)).map(async (one) => ({
      name: one.server.name,
      outcome: await stopAt(context, key, one, target.slot),
    })),
  );
  const those = (wanted: Outcome) =>
    outcomes.filter(({ outcome }) => outcome === wanted).map(({ name }) => name);
  return { stopped: those('stopped'), silent: those('silent') };
}

type Outcome = 'stopped' | 'none' | 'silent';

async function stopAt(
  context: ClientContext,
  { keyId }: CertifiedKey,
  { server }: Participant,
  slot: number,
): Promise<Outcome> {
  try {
    const link = await context.linkTo(server);
    const { key } = await link.call('key.show', { keyId });
    const open = (key.repairs ?? []).filter((one) => one.slot === slot);
    for (const { sessionId } of open) await link.call('session.cancel', { sessionId, reason: STOPPED });
    return open.length === 0 ? 'none' : 'stopped';
  } catch (error) {
    if (isSilence(error)) return 'silent';
    // One that lost all it had of the key shows nothing of it, and is the target.
    if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return 'none';
    throw error;
  }
}

const STOPPED = 'the repair was stopped by the owner of the key';
