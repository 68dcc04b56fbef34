import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { isSilence } from '../../servers/ask-all.js';
import { isElsewhere } from '../chain/names-of-epochs.js';
import { catchUp } from '../changes/catch-up.js';
import type { CertifiedKey } from '../key-record.js';
import type { ReadKey } from '../keys.js';
import { planRestoration } from '../restore-key.js';
import { rosterOf } from '../roster.js';

/** What became of the repairs of a share at the servers of its key. */
export interface StoppedRepair {
  /** Servers at which one went on, and is stopped. */
  readonly stopped: readonly string[];
  /** Servers that did not answer: it may go on there. */
  readonly silent: readonly string[];
  /** Servers that refused, with what they said: it may go on there. */
  readonly refused: readonly { readonly server: string; readonly text: string; readonly code: string }[];
}

/**
 * Stops every repair of a server's share, whoever began it: any device of the owner may. What was counted of the time that helpers
 * wait is lost with it, and another one begins anew. What one server says keeps nobody from telling the others.
 * @throws UsageError `SERVER_UNKNOWN`, `QUORUM_SERVERS_MISMATCH`; StorageError `SERVER_PIN_DIFFERS`
 */
export async function stopRepair(
  context: ClientContext,
  readKey: ReadKey,
  args: { readonly name: string; readonly server: string },
): Promise<StoppedRepair> {
  const done = await stopIn(context, await readKey(args.name), args.server);
  if (!done.isBehind) return done.here;
  // A place is one of an epoch: in another one it is another server's.
  const key = await readKey(args.name);
  if (!(await catchUp(context, key))) return done.here;
  return (await stopIn(context, await readKey(args.name), args.server)).here;
}

async function stopIn(
  context: ClientContext,
  key: CertifiedKey,
  server: string,
): Promise<{ readonly here: StoppedRepair; readonly isBehind: boolean }> {
  const [target] = await planRestoration(context, key, [server]);
  let isBehind = false;
  const stopped: string[] = [];
  const silent: string[] = [];
  const refused: StoppedRepair['refused'][number][] = [];
  await Promise.all(
    (await rosterOf(context, key)).map(async (one) => {
      const { name } = one.server;
      try {
        const link = await context.linkTo(one.server);
        const { open, isHere } = await openRepairs(link, key, target!.slot);
        if (!isHere) {
          isBehind = true;
          return;
        }
        for (const { sessionId } of open) await link.call('session.cancel', { sessionId, reason: STOPPED });
        if (open.length > 0) stopped.push(name);
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        if (isSilence(error)) silent.push(name);
        else refused.push({ server: name, text: error.message, code: error.code });
      }
    }),
  );
  return { here: { stopped: stopped.sort(), silent: silent.sort(), refused }, isBehind };
}

/** @returns the repairs of a slot, which is one of the epoch that the server has */
async function openRepairs(link: ServerLink, { keyId, newest, record }: CertifiedKey, slot: number) {
  try {
    const { key } = await link.call('key.show', { keyId });
    const { epoch, transcriptHash } = key;
    const isHere = epoch === newest.params.epoch && !isElsewhere(record, { epoch, transcriptHash });
    return { open: (key.repairs ?? []).filter((one) => one.slot === slot), isHere };
  } catch (error) {
    // One that lost all it had of the key shows nothing of it, and is the target.
    if (error instanceof CkmError && error.code === 'KEY_UNKNOWN') return { open: [], isHere: true };
    throw error;
  }
}

const STOPPED = 'the repair was stopped by the owner of the key';
