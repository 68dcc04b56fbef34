import type { SilenceView } from '@ckm/api';
import { StateError } from '@ckm/foundation';
import type { SilenceDesk } from '../context.js';
import { openHead } from '../sessions/keys/stored/key-head.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { KeyRow, Reader } from '../storage/storage.js';
import { type Standing, standing, viewOf } from './cases.js';
import type { LifeMeans } from './means.js';
import { firstOf } from './heir-key.js';
import { findLife, storeLife } from './life-record.js';

/** The operator's side of cases of silence: whether a server of the key that says nothing is dead, he can ask by telephone. */
export function createSilenceDesk(means: LifeMeans): SilenceDesk {
  const { context } = means;
  return {
    show: (name) =>
      context.storage.read(async (reader) => {
        const row = await reader.keys.find(name.owner, name.keyId);
        return row === null ? null : shown(await standingOf(means, reader, row));
      }),
    agree: (name, as = null) =>
      repeatWhenRaced(() =>
        context.storage.transact(async (transaction) => {
          const key = await transaction.keys.hold(name.owner, name.keyId);
          const stands = key === null ? null : await standingOf(means, transaction, key);
          if (key === null || stands === null || stands.silence.case === null) throw noCase();
          const { row } = await findLife(context, transaction, key, stands.head);
          if (stands.record.isAgreed === true) return viewOf(stands);
          const record = { ...stands.record, silence: stands.silence, isAgreed: true } as const;
          await storeLife(context, transaction, key, row, record);
          await context.audit.append(transaction, {
            deed: 'operator.silence',
            who: key.owner,
            keyId: key.keyId,
            subject: null,
            sentence: `Let ${stands.silence.case.heir}, who asks for a key, go on without the word of servers that say nothing.`,
            verdict: 'approved',
            policy: '',
            detail: as === null ? '' : `as ${as}`,
          });
          return viewOf({ ...stands, record });
        }),
      ),
  };
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

function noCase(): StateError {
  return new StateError('no heir asks for this key here', {
    code: 'HEIR_NOT_ASKING',
    hint: 'look how it stands: its owner may have been heard since',
    retryable: false,
  });
}
