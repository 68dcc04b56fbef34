import {
  assertDeviceLikeness,
  type Client,
  type FetchedKey,
  joinedDevice,
  MOST_WELCOME_CHARACTERS,
  openWelcome,
  type Welcome,
  wipeWelcome,
} from '@ckm/client';
import { CkmError, reveal, secret, type Secret, StateError, wipe } from '@ckm/foundation';
import type { Context } from '../command-line/context.js';
import { compareWords } from '../guide/compare-words.js';
import type { Home } from '../home/home.js';
import { lockKeeper } from '../keeper/keeper-socket.js';
import { counted } from '../terminal/counted.js';
import { likenessObject } from '../terminal/likeness.js';
import { plainText } from '../terminal/plain-text.js';
import { readCarried } from '../picture/read-carried.js';
import { mayText } from './device-words.js';
import { openOwner } from './open-owner.js';
import { deviceHead, openDeviceFileWith, writeDevice } from './owner-device.js';

interface Wanted {
  readonly path: string;
  /** The six words as the other device shows them; undefined: they are compared. */
  readonly likeness: string | undefined;
}

/**
 * Takes the welcome of another device: servers and names go on record, then the device is kept as one that is in, and then servers are asked for
 * keys. Whenever that ends, it is gone on with by the same command.
 * @throws StateError `DEVICE_NOT_HERE`; EncodingError `DEVICE_WELCOME_INVALID`; AccessError `DEVICE_WELCOME_OTHER`, `DEVICE_LIKENESS_MISMATCH`
 */
export async function takeWelcome(context: Context, { path, likeness }: Wanted): Promise<void> {
  const { home } = context;
  if ((await deviceHead(home)) === null) throw noDevice(home);
  const text = await readCarried(path, MOST_WELCOME_CHARACTERS, 'name the right file: no welcome is so long');
  const opened = await openDeviceFileWith(context, (device, passphrase) => ({
    device,
    passphrase: secret(reveal(passphrase, 'keeping it for the file that is written anew').slice()),
  }));
  try {
    const { welcome, digest } = openWelcome(opened.device, text);
    try {
      await join(context, { ...opened, welcome, digest, likeness });
    } finally {
      wipeWelcome(welcome);
    }
  } finally {
    wipe(opened.device);
    wipe(opened.passphrase);
  }
}

interface Joining {
  readonly device: Secret<Uint8Array>;
  readonly passphrase: Secret<Uint8Array>;
  readonly welcome: Welcome;
  readonly digest: Uint8Array;
  readonly likeness: string | undefined;
}

async function join(
  context: Context,
  { device, passphrase, welcome, digest, likeness }: Joining,
): Promise<void> {
  const { home, terminal, flags } = context;
  const { name, may, servers } = welcome;
  assertDeviceLikeness('welcome', digest, likeness);
  const joined = joinedDevice(device, welcome);
  try {
    const names = servers.map((server) => server.name);
    const machine = { home: home.path, name, may, servers: names, likeness: likenessObject(digest) };
    if (flags.preview === true) {
      terminal.result(`would be ${name} at ${names.join(', ')}`, { preview: true, ...machine });
      return;
    }
    terminal.talk('\n  Compare these six words and the picture with what the other device shows:');
    await compareWords(context, { name, digest, typed: likeness, question: 'Does it show the same?' });
    const client = await openOwner(context, { device: copyOf(joined) });
    await client.takeWelcome(welcome);
    await writeDevice(home, joined, 'ready', passphrase);
    // What a process keeps open is this device as it was before.
    await lockKeeper(home);
    await client.rememberDevices();
    const fetched = await fetchNamed(context, client);
    terminal.result(`this folder is ${name}: it may ${mayText(may)}`, { ...machine, ...fetched });
    sayNext(context, fetched);
  } finally {
    wipe(joined);
  }
}

function copyOf(device: Secret<Uint8Array>): Secret<Uint8Array> {
  return secret(reveal(device, 'opening a client for it').slice());
}

interface Fetched {
  /** Names of keys that are on record now. */
  readonly keys: readonly string[];
  /** How many there are besides, which are fetched one by one. */
  readonly others: number;
}

/** Keys that the welcome named, under those names; each is checked as any that is fetched. */
async function fetchNamed({ terminal }: Context, client: Client): Promise<Fetched> {
  const keys: string[] = [];
  let others = 0;
  try {
    const found = await client.fetchKeys();
    for (const one of found.keys) {
      if (isNamed(one)) keys.push((await client.keepKey(one)).key.record.name);
      else others += 1;
    }
    for (const { server, text } of found.silent)
      terminal.warn(`ckm: warning: no keys from ${server}: ${plainText(text)}`);
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    // It is in, whatever becomes of this.
    terminal.warn(`ckm: warning: ${plainText(error.message)} (${error.code})`);
    others += 1;
  }
  return { keys, others };
}

function isNamed({ expected, suggestedName, isVouched }: FetchedKey): boolean {
  return isVouched && expected?.name === suggestedName;
}

function sayNext({ terminal }: Context, { keys, others }: Fetched): void {
  if (keys.length > 0) terminal.talk(`  ${counted(keys.length, 'key')} on record: ${keys.join(', ')}`);
  if (others > 0) terminal.talk('  there may be more: ckm key fetch');
  terminal.talk('  the files of offer and welcome are of no use any more: remove them');
}

function noDevice({ path }: Home): StateError {
  return new StateError(`there is no device in ${path} that has made an offer`, {
    code: 'DEVICE_NOT_HERE',
    hint: 'use the folder in which the offer was made; or make one: ckm device join --offer-out FILE',
    retryable: false,
  });
}
