import { join } from 'node:path';
import type { KeyTerms } from '@ckm/api';
import type { ServerContext } from '../../context.js';
import type { KeyRow } from '../../storage/storage.js';
import { tamperWith } from '../../test/rooms.js';
import { openVaultOf, rowsOf } from '../../test/stored-secrets.js';
import { openHead, sealHead } from '../keys/stored/key-head.js';

/** The row of a key whose terms say more than those that it was made with. */
export function rowWithTerms(
  context: Pick<ServerContext, 'vault'>,
  row: KeyRow,
  terms: Partial<KeyTerms>,
): KeyRow {
  const head = openHead(context, row);
  const { sealed: _, ...columns } = row;
  const next = { ...head, policy: { ...head.policy, ...terms } };
  return sealHead(context, head, next, { ...columns, version: row.version + 1 });
}

/** Has a server hold a key under more terms than it was made with. */
export async function giveTerms(
  context: Pick<ServerContext, 'storage' | 'vault'>,
  owner: Uint8Array,
  keyId: Uint8Array,
  terms: Partial<KeyTerms>,
): Promise<void> {
  await context.storage.transact(async (transaction) => {
    const row = (await transaction.keys.hold(owner, keyId))!;
    await transaction.keys.update(rowWithTerms(context, row, terms));
  });
}

/** The same in the folder of a server that is off. */
export function giveTermsTo(dataDir: string, keyId: Uint8Array, terms: Partial<KeyTerms>): void {
  const row = rowsOf(dataDir, 'keys').find((one) => Buffer.compare(one.keyId, keyId) === 0)!;
  const { version, sealed } = rowWithTerms({ vault: openVaultOf(dataDir) }, row, terms);
  tamperWith(join(dataDir, 'ckm.sqlite'), (database) =>
    database.prepare('update keys set version = ?, sealed = ? where key_id = ?').run(version, sealed, keyId),
  );
}
