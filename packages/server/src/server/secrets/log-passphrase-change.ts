import { formatMoment } from '@ckm/foundation';
import type { ServerContext } from '../../context.js';
import type { KeySource } from '../../vault/key-source.js';

/** Writes into the log that the passphrase was changed, if it was and the log does not tell of it yet. @throws StorageError */
export async function logPassphraseChange(
  { storage, audit }: Pick<ServerContext, 'storage' | 'audit'>,
  source: Pick<KeySource, 'unloggedChange' | 'forgetChange'>,
): Promise<void> {
  const at = source.unloggedChange();
  if (at === null) return;
  await storage.transact((transaction) =>
    audit.append(transaction, {
      deed: 'operator.passphrase',
      who: null,
      keyId: null,
      subject: null,
      sentence: 'Change the passphrase of the storage key',
      verdict: 'done',
      policy: '',
      detail: `changed ${formatMoment(at)}`,
    }),
  );
  source.forgetChange();
}
