import { readFileSync } from 'node:fs';
import {
  createClient,
  fileStore,
  openDevice,
  openSeed,
  readDeviceHead,
  sealDevice,
  sealSeed,
  writeAtomically,
  writeNew,
} from '@ckm/client/node';
import { secret, type Secret, wipe } from '@ckm/foundation';
import { createHome, locateHome } from '../home/home.js';
import { freshSeed } from '../owner/owner-seed.js';
import { writeSeedPrint } from '../home/seed-print.js';

/** The least that a seed file may cost (128 KiB, 2^14): the commands of a test open it many hundred times. */
const CHEAPEST_LOG_N = 14;

/**
 * An owner's folder as `ckm init` makes it, in `CKM_HOME` under the passphrase in `CKM_PASSPHRASE_FILE`, and servers as
 * `ckm server add` adds them: the ground a test stands on, in a tenth of the time.
 * @param servers name → URL
 */
export async function makeOwner(
  environment: Readonly<Record<string, string>>,
  servers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const home = locateHome(undefined, environment);
  const passphrase = passphraseIn(environment);
  const seed = freshSeed();
  await createHome(home);
  await writeNew(home.seedFile, await sealSeed(seed, passphrase, CHEAPEST_LOG_N));
  await writeSeedPrint(home, seed);
  if (Object.keys(servers).length > 0) {
    const client = createClient({ seed, store: fileStore(home.store) });
    for (const [name, url] of Object.entries(servers)) await client.addServer({ name, url });
    await client.close();
  }
  wipe(seed);
}

/** Seals the seed of an owner whom a command made anew at the least cost, under the same passphrase. */
export async function sealCheaply(environment: Readonly<Record<string, string>>): Promise<void> {
  const { seedFile } = locateHome(undefined, environment);
  const passphrase = passphraseIn(environment);
  const seed = await openSeed(readFileSync(seedFile), passphrase);
  await writeAtomically(seedFile, await sealSeed(seed, passphrase, CHEAPEST_LOG_N));
  wipe(seed);
}

/** The same for a device. */
export async function sealDeviceCheaply(environment: Readonly<Record<string, string>>): Promise<void> {
  const { deviceFile } = locateHome(undefined, environment);
  const passphrase = passphraseIn(environment);
  const file = new Uint8Array(readFileSync(deviceFile));
  const device = await openDevice(file, passphrase);
  const { step } = readDeviceHead(file);
  await writeAtomically(deviceFile, await sealDevice(device, step, passphrase, CHEAPEST_LOG_N));
  wipe(device);
}

function passphraseIn(environment: Readonly<Record<string, string>>): Secret<string> {
  return secret(readFileSync(environment['CKM_PASSPHRASE_FILE']!, 'utf8').split('\n')[0]!);
}
