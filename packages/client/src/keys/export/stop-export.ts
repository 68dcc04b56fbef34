import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import { isSilence, type Participant } from '../../servers/ask-all.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';
import { closeExport } from './export-key.js';

/** What became of the exports of a key at its servers. */
export interface StoppedExport {
  /** Servers at which one went on, and is stopped. */
  readonly stopped: readonly string[];
  /** Servers at which none went on. */
  readonly none: readonly string[];
  /** Servers that did not answer, or refused: one may go on there. */
  readonly unsaid: readonly string[];
}

/**
 * Stops every export of a key, whoever began it: any device of the owner may. What a server has given out before stays outside.
 * @throws StorageError `SERVER_PIN_DIFFERS`
 */
export async function stopExport(context: ClientContext, key: CertifiedKey): Promise<StoppedExport> {
  const roster = await rosterOf(context, key);
  const outcomes = await Promise.all(
    roster.map(async (one) => ({ name: one.server.name, outcome: await stopAt(context, key, one) })),
  );
  await closeExport(context, key);
  const those = (wanted: Outcome) =>
    outcomes.filter(({ outcome }) => outcome === wanted).map(({ name }) => name);
  return { stopped: those('stopped'), none: those('none'), unsaid: those('unsaid') };
}

type Outcome = 'stopped' | 'none' | 'unsaid';

async function stopAt(
  context: ClientContext,
  { keyId }: CertifiedKey,
  { server }: Participant,
): Promise<Outcome> {
  try {
    const link = await context.linkTo(server);
    const { key } = await link.call('key.show', { keyId });
    const open = key.exports ?? [];
    for (const { sessionId } of open) await link.call('session.cancel', { sessionId, reason: STOPPED });
    return open.length === 0 ? 'none' : 'stopped';
  } catch (error) {
    if (isSilence(error) || error instanceof CkmError) return 'unsaid';
    throw error;
  }
}

const STOPPED = 'the export was stopped by the owner of the key';
