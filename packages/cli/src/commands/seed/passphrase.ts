import { StateError, wipe } from '@ckm/foundation';
import type { Command } from 'commander';
import type { Context } from '../../command-line/context.js';
import { leaf, run } from '../../command-line/run.js';
import { requireInitialised } from '../../home/home.js';
import { deviceHead, openDeviceFileWith, writeDevice } from '../../owner/owner-device.js';
import { storeSeed, unlockSeed } from '../../owner/owner-seed.js';
import { speaksAsDevice } from '../../owner/unlock-owner.js';
import { askNewPassphrase } from '../../terminal/passphrase.js';

/** `ckm seed passphrase` */
export function seedPassphraseCommand(): Command {
  return leaf('passphrase', 'keep the owner seed under another passphrase; the seed and its 24 words stay')
    .option('--new-passphrase-file <file>', 'its first line is the new one; - is stdin')
    .action(run(change));
}

async function change(
  context: Context,
  { newPassphraseFile }: { readonly newPassphraseFile?: string },
): Promise<void> {
  const { home, terminal, flags } = context;
  await requireInitialised(home);
  const isDevice = await speaksAsDevice(context);
  const what = isDevice ? 'device' : 'seed';
  if (flags.preview === true) {
    terminal.result(`would change the passphrase of the ${isDevice ? what : 'owner seed'} in ${home.path}`, {
      preview: true,
      home: home.path,
    });
    return;
  }
  // The file that is named for every command is that of the present one.
  const next = { ...context, passphraseFile: newPassphraseFile };
  await (isDevice ? changeDevice(context, next) : changeSeed(context, next));
  terminal.result(`the passphrase is changed; the old one opens this ${what} no more`, { home: home.path });
  terminal.talk(`copies of the ${what} file from before still open with the old one: destroy them`);
}

async function changeSeed(context: Context, next: Context): Promise<void> {
  const seed = await unlockSeed(context, { evenIfKept: true });
  try {
    // One that is to take the place of the seed opens with the same.
    if ((await deviceHead(context.home)) !== null) throw stillForgetting();
    await storeSeed(next, seed, 'replace');
  } finally {
    wipe(seed);
  }
}

async function changeDevice(context: Context, { terminal, passphraseFile }: Context): Promise<void> {
  const { home } = context;
  const step = (await deviceHead(home))?.step ?? 'ready';
  const device = await openDeviceFileWith(context, (opened) => opened);
  try {
    const passphrase = await askNewPassphrase({ terminal, file: passphraseFile }, 'this device');
    await writeDevice(home, device, step, passphrase).finally(() => wipe(passphrase));
  } finally {
    wipe(device);
  }
}

function stillForgetting(): StateError {
  return new StateError(
    'a device is taking the place of the words here, under the passphrase that they have',
    {
      code: 'SEED_FORGETTING',
      hint: 'finish that first: ckm seed forget',
      retryable: false,
    },
  );
}
