import type { Client, SeedBackupForm } from '@ckm/client';
import { removeDurably } from '@ckm/client/node';
import { CkmError, equalBytes, reveal, secret, type Secret, StateError, wipe } from '@ckm/foundation';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../command-line/context.js';
import type { Home } from '../home/home.js';
import { lockKeeper } from '../keeper/keeper-socket.js';
import { openDeviceFileWith, openDeviceHere, writeDevice } from './owner-device.js';
import { openOwner } from './open-owner.js';
import { openSeedFileWith, seedDiffers } from './owner-seed.js';
import { readBackup } from './read-backup.js';

/** The words as they lie here, and as their owner has them. */
export interface WordsAtHand {
  readonly seed: Secret<Uint8Array>;
  readonly passphrase: Secret<Uint8Array>;
}

/** Opens the words that lie here, for as long as work goes on. */
export async function withSeed<T>(context: Context, work: (opened: WordsAtHand) => Promise<T>): Promise<T> {
  const opened = await openSeedFileWith(context, (seed, passphrase) => ({
    seed,
    passphrase: secret(
      reveal(passphrase, 'keeping it for the device that takes the place of the words').slice(),
    ),
  }));
  try {
    return await work(opened);
  } finally {
    wipe(opened.seed);
    wipe(opened.passphrase);
  }
}

/**
 * Has the owner show that the words are somewhere else too, before they go here.
 * @param paths of a backup; none: it is typed
 * @throws StateError `SEED_DIFFERS`; as `readBackup`
 */
export async function readWordsBack(
  context: Context,
  seed: Secret<Uint8Array>,
  paths: readonly string[],
): Promise<SeedBackupForm> {
  const read = await readBackup(context, paths);
  const why = 'comparing a backup with the seed that it is to outlive';
  const isSame = equalBytes(reveal(read.seed, why), reveal(seed, why));
  wipe(read.seed);
  if (!isSame) throw seedDiffers(context.home);
  return read.form;
}

/** A client of the words, while they are here. */
export function clientOfWords(context: Context, { seed }: WordsAtHand): Promise<Client> {
  return openOwner(context, secret(reveal(seed, 'opening a client for the words').slice()));
}

/** The device that was begun here before, under the passphrase of the words or one of its own. Null: none was. The caller wipes it. */
export async function deviceBegun(
  context: Context,
  { passphrase }: WordsAtHand,
): Promise<Secret<Uint8Array> | null> {
  try {
    return await openDeviceHere(context.home, passphrase);
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'PASSPHRASE_WRONG') throw error;
    return openDeviceFileWith(context, (device) => device);
  }
}

/**
 * Puts a device in the place of the words: its file first, then every server, then it speaks itself, and then the words go. Killed between any two of
 * these, the same again goes on with it.
 * @param begun a device that was begun here before; null: none was
 * @returns names of the servers that know it
 * @throws StateError `SEED_STILL_NEEDED`
 */
export async function replaceWords(
  context: Context,
  client: Client,
  { passphrase }: WordsAtHand,
  { name, begun }: { readonly name: string; readonly begun: Secret<Uint8Array> | null },
): Promise<readonly string[]> {
  const { home } = context;
  const device = await client.draftFirstDevice(begun);
  try {
    await writeDevice(home, device, 'forgetting', passphrase);
    const told = await client.admitFirstDevice(device, name);
    const untold = told.filter(({ outcome }) => outcome !== 'done').map(({ server }) => server);
    if (untold.length > 0) throw stillNeeded(untold);
    const servers = told.map(({ server }) => server);
    await assertSpeaks(context, device, servers);
    await writeDevice(home, device, 'ready', passphrase);
    await removeSeed(home);
    return servers;
  } finally {
    wipe(device);
  }
}

/** Every server answers the device, as it will be asked from now on. @throws StateError `SEED_STILL_NEEDED` */
async function assertSpeaks(
  context: Context,
  device: Secret<Uint8Array>,
  servers: readonly string[],
): Promise<void> {
  const copy = secret(reveal(device, 'asking servers whether they know it').slice());
  const client = await openOwner(context, { device: copy });
  const { devices, silent } = await client.listDevices();
  const own = devices.find(({ isThis }) => isThis)?.at.map(({ server }) => server) ?? [];
  const deaf = servers.filter(
    (server) => !own.includes(server) || silent.some((one) => one.server === server),
  );
  if (deaf.length > 0) throw stillNeeded(deaf);
}

/** @param servers that do not know the device, or do not answer */
export function stillNeeded(servers: readonly string[]): StateError {
  return new StateError(`the words stay here: ${servers.join(', ')} does not know this device yet`, {
    code: 'SEED_STILL_NEEDED',
    hint: 'when it answers, run the same again: ckm seed forget goes on where it was',
    facts: { servers },
  });
}

/** What a process leaves that is killed while it writes a seed: it is one. */
const LEFTOVER = /^\.seed\.[0-9a-f]{12}\.new$/;
/** What `ckm seed restore --new-passphrase` keeps of a seed that could not be compared. */
const KEPT = /^seed\.before-\d+$/;

/** The words leave memory and disk. */
async function removeSeed(home: Home): Promise<void> {
  await lockKeeper(home);
  for (const name of await readdir(home.path)) {
    if (LEFTOVER.test(name)) await removeDurably(join(home.path, name));
  }
  await removeDurably(home.seedFile);
}

/** Files of seeds that stay, since nobody knows from here whose they are. */
export async function keptSeeds(home: Home): Promise<readonly string[]> {
  const names = await readdir(home.path);
  return names.filter((name) => KEPT.test(name)).map((name) => join(home.path, name));
}
