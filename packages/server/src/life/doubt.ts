import { caseDoubted, type Parameters, type Result } from '@ckm/api';
import type { AnybodyCall } from '../context.js';
import { repeatWhenRaced } from '../storage/raced.js';
import type { Transaction } from '../storage/storage.js';
import { standing, viewOf } from './cases.js';
import { findHeirKey, type HeirKey, holdHeirKey } from './heir-key.js';
import { findLife, storeLife } from './life-record.js';
import type { LifeMeans } from './means.js';
import { noCase } from './no-case.js';

/**
 * Answers `heir.doubt`: the days of a case begin anew, once for each person, so that its owner can be reached. Nobody ends it so: where he is dead, one who grudges
 * it would keep his heirs out for good.
 * @throws AccessError `HEIR_UNKNOWN`; StateError `HEIR_NOT_ASKING`
 */
export async function doubtSilence(
  means: LifeMeans,
  call: AnybodyCall,
  meant: Parameters<'heir.doubt'>,
): Promise<Result<'heir.doubt'>> {
  const { context } = means;
  const name = await context.storage.read((reader) => findHeirKey(context, reader, call.sender, meant));
  return repeatWhenRaced(() =>
    call.transact(async (transaction) =>
      doubt(means, transaction, await holdHeirKey(context, transaction, call.sender, name)),
    ),
  );
}

async function doubt(
  means: LifeMeans,
  transaction: Transaction,
  key: HeirKey,
): Promise<Result<'heir.doubt'>> {
  const { context } = means;
  const { row, record } = await findLife(context, transaction, key.key, key.head);
  if (record === null || record.silence.case === null) throw noCase();
  const now = await standing(means, transaction, key, record);
  const { doubted = [], without: _without, isGranted: _isGranted, hearing: _hearing, ...kept } = record;
  // Whoever asks takes the owner to be dead; and what has still to be told to somebody has not begun.
  const after = key.name === record.silence.case.heir ? null : caseDoubted(now.silence);
  if (doubted.includes(key.name) || after === null) return viewOf(now);
  const next = { ...kept, silence: after, doubted: [...doubted, key.name] };
  await storeLife(context, transaction, key.key, row, next);
  await context.audit.append(transaction, {
    deed: 'silence.doubt',
    who: key.key.owner,
    keyId: key.key.keyId,
    subject: null,
    sentence: `${key.name} takes the owner of a key to be alive: what ${record.silence.case.heir} asks for waits for its days anew.`,
    verdict: 'done',
    policy: '',
    detail: '',
  });
  return viewOf({ ...now, record: next, silence: after, hearing: null });
}
