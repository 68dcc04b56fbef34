import { concatBytes, reveal, secret, type Secret, UsageError, wipe } from '@ckm/foundation';
import { readEnv } from '../config/env.js';
import { createRandom } from '../random.js';
import { findKeySource, type KeySource } from '../vault/key-source.js';
import { claimControlSocket } from './control-socket.js';
import { assertDataDir } from './data-dir.js';
import type { OpenServer } from './open-server.js';

/** The passphrase that opens the storage key now, and the one that is to. Both are wiped by whoever takes them. */
export interface Passphrases {
  readonly present: Secret<Uint8Array>;
  readonly next: Secret<Uint8Array>;
}

/** Both in one secret: the length of the first in two bytes, the first, the second. Wipes what it takes. */
export function encodePassphrases({ present, next }: Passphrases): Secret<Uint8Array> {
  const [first, second] = [present, next].map((one) => reveal(one, 'send it to the server'));
  const { length } = first!;
  const both = secret(concatBytes(Uint8Array.of(length >> 8, length & 0xff), first!, second!));
  wipe(present);
  wipe(next);
  return both;
}

/** @param both wiped. @throws UsageError `OPERATOR_INPUT_INVALID` */
export function parsePassphrases(both: Secret<Uint8Array>): Passphrases {
  const bytes = reveal(both, 'take it apart');
  try {
    const end = 2 + (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
    if (bytes.length < 2 || end > bytes.length) {
      throw new UsageError('two passphrases were expected', {
        code: 'OPERATOR_INPUT_INVALID',
        hint: 'compare the versions of this program and the server',
      });
    }
    return { present: secret(bytes.slice(2, end)), next: secret(bytes.slice(end)) };
  } finally {
    wipe(both);
  }
}

/**
 * Keeps the storage key of a server under another passphrase, whether it is open, which is then in its log, or sealed.
 * @throws as `KeySource.preparePassphrase`
 */
export async function changePassphraseOf(
  source: KeySource,
  open: OpenServer | null,
  { present, next }: Passphrases,
): Promise<void> {
  if (open === null) {
    (await source.preparePassphrase(present, next, createRandom()))();
    return;
  }
  const { storage, audit, random, events } = open.context;
  const replace = await source.preparePassphrase(present, next, random);
  await storage.transact(async (transaction) => {
    await audit.append(transaction, {
      deed: 'operator.passphrase',
      who: null,
      keyId: null,
      subject: null,
      sentence: 'Change the passphrase of the storage key',
      verdict: 'done',
      policy: '',
      detail: '',
    });
    replace();
  });
  events.operatorActed({ action: 'passphrase' });
}

/**
 * The same for a server that does not run; ask a running one with `connectOperator().changePassphrase()`.
 * @throws UsageError `SERVER_RUNNING`; else as {@link changePassphraseOf}
 */
export async function changePassphrase(
  options: Passphrases & {
    readonly dataDir: string;
    readonly variables?: Readonly<Record<string, string | undefined>>;
  },
): Promise<void> {
  const { dataDir } = options;
  const { storageKeyFile = null } = readEnv(options.variables);
  assertDataDir(dataDir);
  await claimControlSocket(dataDir);
  const source = findKeySource(dataDir, storageKeyFile, () => Math.floor(Date.now() / 1000));
  await changePassphraseOf(source, null, options);
}
