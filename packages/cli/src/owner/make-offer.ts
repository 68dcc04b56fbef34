import { draftDevice, makeDeviceOffer, OFFER_SECONDS, parseName } from '@ckm/client';
import { encodeUtf8, type Secret, wipe } from '@ckm/foundation';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Context } from '../command-line/context.js';
import { assertSocketsFit, createHome, holdsWords, ownerExists } from '../home/home.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { formatLikeness, likenessObject } from '../terminal/likeness.js';
import { askNewPassphrase } from '../terminal/passphrase.js';
import { assertWritable, outFile, writeOut } from '../terminal/write-out.js';
import { deviceHead, openDeviceFileWith, writeDevice } from './owner-device.js';

/** What a device is called whose owner calls it nothing. */
export function machineName(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/\..*$/, '')
    .replace(/[^a-z0-9_-]+/g, '-');
  const fitting = name.replace(/^[^a-z0-9]+/, '').slice(0, 32);
  return fitting === '' ? 'device' : fitting;
}

/**
 * Makes this folder a device that is yet to be let in, and writes its offer. Done again it is the same device, with another offer.
 * @param options.named a file, or `-` for stdout
 * @throws StateError `SEED_EXISTS`; UsageError `NAME_INVALID`
 */
export async function makeOffer(
  context: Context,
  { named, name: given }: { readonly named: string; readonly name: string | undefined },
): Promise<void> {
  const { home, terminal, flags } = context;
  assertSocketsFit(home);
  const name = parseName('device', given ?? machineName());
  if (await holdsWords(home)) throw await ownerExists(home);
  const out = outFile(named);
  await assertWritable(out, flags);
  if (flags.preview === true) {
    terminal.result(`would make ${home.path} a device called ${name}, and write its offer`, {
      preview: true,
      home: home.path,
      name,
    });
    return;
  }
  const device = await deviceHere(context);
  try {
    const { text, digest } = makeDeviceOffer(device, name, unixNow());
    const expiresAt = unixNow() + OFFER_SECONDS;
    const machine = {
      home: home.path,
      name,
      offer: out ?? text,
      likeness: likenessObject(digest),
      expiresAt,
    };
    if (out !== undefined) await writeOut(out, encodeUtf8(`${text}\n`));
    terminal.warn(`\n${formatLikeness(terminal, name, digest)}\n`);
    if (out === undefined) terminal.copied(text, machine);
    else
      terminal.result(`offer written to ${out}, good until ${formatInstant(expiresAt, unixNow())}`, machine);
    terminal.talk(
      '  bring it to a device that is in, and compare these words there: ckm device add OFFER --welcome-out FILE',
    );
  } finally {
    wipe(device);
  }
}

/** The device of this folder; a new one where there is none. */
export async function deviceHere(context: Context): Promise<Secret<Uint8Array>> {
  const { home, terminal, passphraseFile } = context;
  if ((await deviceHead(home)) !== null) return openDeviceFileWith(context, (device) => device);
  await createHome(home);
  const passphrase = await askNewPassphrase({ terminal, file: passphraseFile }, 'this device');
  const device = draftDevice((length) => new Uint8Array(randomBytes(length)));
  try {
    await writeDevice(home, device, 'offered', passphrase);
    return device;
  } catch (error) {
    wipe(device);
    throw error;
  } finally {
    wipe(passphrase);
  }
}
