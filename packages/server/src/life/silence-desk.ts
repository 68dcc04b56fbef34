import { fewestToGoOn, type SilenceView } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import type { SilenceDesk } from '../context.js';
import { demand } from '../refusals.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { detailAs } from '../sessions/operator-reason.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyRow, Reader } from '../storage/storage.js';
import { missingIn, type Standing, standing, viewOf } from './cases.js';
import type { LifeMeans } from './means.js';
import { firstOf } from './heir-key.js';
import { findLife, storeLife } from './life-record.js';
import { noCase } from './no-case.js';

/** The operator's side of cases of silence: whether a server of the key that says nothing is dead, he can ask by telephone. */
export function createSilenceDesk(means: LifeMeans): SilenceDesk {
  const { context } = means;
  return {
    show: (name) =>
      context.storage.read(async (reader) => {
        const row = await reader.keys.find(name.owner, name.keyId);
        return row === null ? null : shown(await standingOf(means, reader, row));
      }),
    agree: (name, seen, as = null) =>
      repeatWhenRaced(() =>
        context.storage.transact(async (transaction) => {
          const key = await transaction.keys.hold(name.owner, name.keyId);
          const stands = key === null ? null : await standingOf(means, transaction, key);
          if (key === null || stands === null || stands.silence.case === null) throw noCase();
          const { row } = await findLife(context, transaction, key, stands.head);
          const view = viewOf(stands);
          assertMayGoOn(stands, seen);
          if (view.isAgreed) return view;
          const without = seen.map((xid) => new Uint8Array(xid));
          const record = { ...stands.record, silence: stands.silence, without };
          await storeLife(context, transaction, key, row, record);
          await context.audit.append(transaction, {
            deed: 'operator.silence',
            who: key.owner,
            keyId: key.keyId,
            subject: null,
            sentence: `Let ${stands.silence.case.heir}, who asks for a key, go on without the word of servers that say nothing.`,
            verdict: 'approved',
            policy: '',
            detail: detailAs(seen.map((xid) => encodeHex(xid).slice(0, 16)).join(' '), as),
          });
          return viewOf({ ...stands, record });
        }),
      ),
  };
}

/**
 * That these very servers are silent, and that all others have said that the time has come: whoever has only not been asked yet is not taken for dead.
 * @throws StateError `SILENCE_NOT_AS_SEEN`, `SILENCE_HEARD_TOO_FEW`
 */
function assertMayGoOn(stands: Standing, seen: readonly Uint8Array[]): void {
  const missing = missingIn(stands);
  const isSeen =
    missing.length === seen.length &&
    missing.every(({ serverId }) => seen.some((xid) => equalBytes(xid, serverId)));
  demand(isSeen, 'SILENCE_NOT_AS_SEEN', 'other servers than those that were looked at say nothing');
  const { quorum } = stands.head;
  const isEnough = quorum.of - missing.length >= fewestToGoOn(quorum);
  demand(
    isEnough,
    'SILENCE_HEARD_TOO_FEW',
    'too few other servers have said that the time has come there, too',
  );
}

/** Null: its terms say nothing of silence, or nothing was counted yet. */
async function standingOf(means: LifeMeans, reader: Reader, key: KeyRow): Promise<Standing | null> {
  const head = openHead(means.context, key);
  const { silence: rule } = head.policy;
  const { record } = await findLife(means.context, reader, key, head);
  if (rule === undefined || record === null || head.certified === null) return null;
  const first = firstOf(head, head.certified);
  return standing(means, reader, { key, head, first, rule, name: '', may: [] }, record);
}

function shown(stands: Standing | null): SilenceView | null {
  return stands === null ? null : viewOf(stands);
}
