import { type Approver, createApprover, createHeir, type Heir, type OnUnreadable } from '@ckm/client';
import {
  APPROVER_FILE_MAX_BYTES,
  fileStore,
  isErrno,
  openApprover,
  parseApproverFile,
  sealApprover,
  writeNewAtomically,
} from '@ckm/client/node';
import { equalBytes, reveal, type Secret, secret, StateError, StorageError, wipe } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import type { Context } from '../command-line/context.js';
import { createHome, type Home, unusable } from '../home/home.js';
import { askNewPassphrase, openWithPassphrase } from '../terminal/passphrase.js';
import { plainText } from '../terminal/plain-text.js';
import { readAtMost } from '../terminal/read-at-most.js';

/** Whether this folder is one of an approver. @throws StorageError `APPROVER_FILE_CORRUPT`, `HOME_UNUSABLE` */
async function isApprover(home: Home): Promise<boolean> {
  return (await readFileOf(home)) !== null;
}

/** Draws the secret of an approver and keeps it sealed; what was written is read back. @throws StateError `APPROVER_EXISTS` */
export async function makeApprover(context: Context): Promise<void> {
  const { home, terminal, passphraseFile } = context;
  await assertNone(home);
  const passphrase = await askNewPassphrase({ terminal, file: passphraseFile }, 'this approver');
  const drawn = secret(new Uint8Array(randomBytes(32)));
  try {
    const sealed = await sealApprover(drawn, passphrase);
    await createHome(home);
    await writeNewAtomically(home.approverFile, sealed).catch((cause: unknown) => {
      throw isErrno(cause, 'EEXIST') ? exists(home) : unusable(home, cause);
    });
    await assertReadBack(home, drawn, passphrase);
  } finally {
    wipe(drawn);
    wipe(passphrase);
  }
}

/** @throws StateError `APPROVER_EXISTS` */
export async function assertNone(home: Home): Promise<void> {
  if (await isApprover(home)) throw exists(home);
}

async function assertReadBack(
  home: Home,
  drawn: Secret<Uint8Array>,
  passphrase: Secret<Uint8Array>,
): Promise<void> {
  const written = await readFileOf(home);
  const again = written === null ? null : await openApprover(written, passphrase);
  const why = 'comparing the secret of an approver with what was kept of it';
  const isSame = again !== null && equalBytes(reveal(again, why), reveal(drawn, why));
  if (again !== null) wipe(again);
  if (isSame) return;
  throw new StorageError(`what was written to ${home.approverFile} is not what is read from there`, {
    code: 'HOME_UNUSABLE',
    hint: 'look at the disk, or use another folder with --home',
  });
}

/**
 * The approver of this folder. The passphrase is asked for when it is first needed. Closed when the command ends.
 * @throws StateError `APPROVER_NOT_HERE`
 */
export async function openApproverHere(context: Context): Promise<Approver> {
  const approver = createApprover(await optionsHere(context));
  context.onEnd(() => approver.close());
  return approver;
}

/** The same for when the owners of keys are silent. @throws StateError `APPROVER_NOT_HERE` */
export async function openHeirHere(context: Context): Promise<Heir> {
  const heir = createHeir(await optionsHere(context));
  context.onEnd(() => heir.close());
  return heir;
}

/** Both of them, for whom the passphrase is asked once. @throws StateError `APPROVER_NOT_HERE` */
export async function openBothHere(
  context: Context,
): Promise<{ readonly approver: Approver; readonly heir: Heir }> {
  const options = await optionsHere(context);
  let opened: Promise<Secret<Uint8Array>> | null = null;
  const copy = async () => {
    opened ??= options.secret();
    return secret(reveal(await opened, 'looking at what waits for an approver and for heirs').slice());
  };
  const [approver, heir] = [
    createApprover({ ...options, secret: copy }),
    createHeir({ ...options, secret: copy }),
  ];
  context.onEnd(async () => {
    approver.close();
    heir.close();
    if (opened !== null) wipe(await opened);
  });
  return { approver, heir };
}

async function optionsHere(context: Context) {
  const { home, terminal } = context;
  if (!(await isApprover(home))) throw notHere(home);
  return {
    secret: () => unlockApprover(context),
    store: fileStore(home.approvals),
    timeoutMs: context.timeoutMs,
    onUnreadable: ({ error: { message, code } }: Parameters<OnUnreadable>[0]) =>
      terminal.warn(plainText(`left out: ${message} (${code})`)),
  };
}

async function unlockApprover({ home, terminal, passphraseFile }: Context): Promise<Secret<Uint8Array>> {
  const file = await readFileOf(home);
  if (file === null) throw notHere(home);
  return openWithPassphrase({ terminal, file: passphraseFile }, 'Passphrase of this approver', (passphrase) =>
    openApprover(file, passphrase),
  );
}

/** Null: there is none. A damaged one is found before anybody is asked to type. */
async function readFileOf(home: Home): Promise<Uint8Array | null> {
  let file: Uint8Array;
  try {
    file = await readAtMost(home.approverFile, APPROVER_FILE_MAX_BYTES + 1);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return null;
    throw unusable(home, cause);
  }
  parseApproverFile(file);
  return file;
}

function exists({ path }: Home): StateError {
  return new StateError(`there is an approver in ${path} already`, {
    code: 'APPROVER_EXISTS',
    hint: 'keep using it; for another person name another folder with --home',
  });
}

function notHere({ path }: Home): StateError {
  return new StateError(`there is no approver in ${path}`, {
    code: 'APPROVER_NOT_HERE',
    hint: 'make one with: ckm approver init   (or name your folder with --home)',
  });
}
