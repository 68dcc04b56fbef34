import { isDevice, MOST_DEVICE_BYTES, secretOf } from '@ckm/client';
import { type Secret, secret, StorageError, UsageError, wipe } from '@ckm/foundation';
import { type Command, Option } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { keeperSocket, lockKeeper } from '../keeper/keeper-socket.js';
import { startKeeper } from '../keeper/keeper.js';
import { OPEN_SEED_NOTE, parseUnlockTime } from '../keeper/unlock-time.js';
import { launchKeeper } from '../keeper/launch-keeper.js';
import { stopOnSignals } from '../operator/stop-on-signals.js';
import { unlockOwner } from '../owner/unlock-owner.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { readStdinAtMost } from '../terminal/read-at-most.js';

/** `ckm unlock` */
export function unlockCommand(): Command {
  return leaf('unlock', 'keep the owner seed open for a while, so that its passphrase is not asked for again')
    .option('--for <time>', 'how long: 10m, 2h; at most 12h', '10m')
    .addOption(new Option('--keep', 'what the process that keeps it is started with').hideHelp())
    .action(run(unlock));
}

interface Flags {
  readonly for: string;
  readonly keep?: true;
}

const SEED_BYTES = 32;

async function unlock(context: Context, { for: time, keep }: Flags): Promise<void> {
  const { home, terminal, flags } = context;
  const seconds = parseUnlockTime('--for', time);
  if (keep === true) return keepSeed(context, seconds);
  if (flags.preview === true) {
    terminal.result(`would keep the owner seed of ${home.path} open for ${time}`, { preview: true, seconds });
    return;
  }
  // Whoever lengthens the time shows again that he knows the passphrase.
  const owner = secretOf(await unlockOwner(context, { evenIfKept: true }));
  try {
    await lockKeeper(home);
    await launchKeeper(home, owner, seconds);
  } finally {
    wipe(owner);
  }
  const until = unixNow() + seconds;
  terminal.result(`unlocked until ${formatInstant(until, unixNow())}`, { unlocked: true, until });
  // It speaks of that moment, so it stands behind it where both streams are one screen.
  terminal.talk(`  ${OPEN_SEED_NOTE}`);
}

/** The process behind {@link unlock}: the seed comes on stdin, never by flag or environment. */
async function keepSeed({ home }: Context, seconds: number): Promise<void> {
  // For hours: no core file, and no debugger that a signal opens.
  const { guardSecrets } = await import('@ckm/server');
  guardSecrets();
  const seed = await readSeed();
  const keeper = await startKeeper({
    socketPath: keeperSocket(home),
    seed,
    lifetimeMs: seconds * 1_000,
  }).catch((cause: unknown) => {
    throw new StorageError('the open seed cannot be kept in this folder', {
      code: 'KEEPER_UNUSABLE',
      hint: 'use a folder whose path has at most 90 characters, with --home',
      cause,
    });
  });
  stopOnSignals({
    close: () => {
      keeper.end();
      return keeper.ended;
    },
  });
  process.stdout.write('ready\n');
  await keeper.ended;
}

async function readSeed(): Promise<Secret<Uint8Array>> {
  const bytes = await readStdinAtMost(MOST_DEVICE_BYTES + 1);
  if (bytes.length === SEED_BYTES || (bytes.length <= MOST_DEVICE_BYTES && isDevice(bytes)))
    return secret(bytes);
  bytes.fill(0);
  throw new UsageError('--keep is for ckm unlock itself', {
    code: 'OPTION_INVALID',
    hint: 'run: ckm unlock',
  });
}
