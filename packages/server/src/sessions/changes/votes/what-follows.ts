import type { Result } from '@ckm/api';
import type { ServerContext } from '../../../context.js';
import type { Reader } from '../../../storage/storage.js';
import { passIfTampered } from '../../../storage/tampered-row.js';
import type { KeyName } from '../../../vault/head-counts.js';
import { openHead } from '../../keys/stored/key-head.js';
import { readChange } from '../change-record.js';
import { encodeLocked } from './statements.js';

type WhatFollows = Pick<Result<'key.freeze'>, 'order' | 'bound'>;

/**
 * Who may hold a key next, as this server knows it: by an order that waits, and by what no freeze stops any more. A row that is not what
 * this server stored is reported to its operator, and says nothing.
 */
export async function readWhatFollows(
  context: Pick<ServerContext, 'vault' | 'events'>,
  reader: Reader,
  { owner, keyId }: KeyName,
): Promise<WhatFollows> {
  const row = await reader.keys.find(owner, keyId);
  if (row === null) return {};
  const head = openHead(context, row);
  if (head.left !== undefined || head.forked !== undefined) return {};
  let follows: WhatFollows = {};
  await passIfTampered(context.events.storageFailed, async () => {
    const { record } = await readChange(context, reader, row, head);
    const { order, decided, member, locked } = record;
    const bound =
      decided === null
        ? encodeLocked(member?.highest ?? null, locked)
        : { locks: null, signed: decided.certificate };
    follows = {
      ...(order === null || order.over !== null ? {} : { order: order.order }),
      ...(bound === null ? {} : { bound }),
    };
  });
  return follows;
}
