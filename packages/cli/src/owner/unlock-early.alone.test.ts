// @module-tag long
import type * as ClientInNode from '@ckm/client/node';
import { sealSeed } from '@ckm/client/node';
import { encodeUtf8, reveal, secret, type Secret } from '@ckm/foundation';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createContext, type OpenContext } from '../command-line/context.js';
import { unlockEarly } from './unlock-early.js';

const PASSPHRASE = 'river lamp seven onions';
const opened = vi.hoisted(() => ({ seeds: [] as unknown[] }));
vi.mock('@ckm/client/node', async (original) => {
  const file = await original<typeof ClientInNode>();
  const openSeed: typeof file.openSeed = async (...given) => {
    const seed = await file.openSeed(...given);
    opened.seeds.push(seed);
    return seed;
  };
  return { ...file, openSeed };
});

let home: string;
beforeEach(async () => {
  opened.seeds.splice(0);
  home = mkdtempSync(join(tmpdir(), 'ckm-early-'));
  writeFileSync(
    join(home, 'seed'),
    await sealSeed(secret(new Uint8Array(32).fill(7)), secret(PASSPHRASE), 14),
  );
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function contextWith(passphrase: string, flags: object = {}): OpenContext {
  const passphraseFile = join(home, 'passphrase');
  writeFileSync(passphraseFile, encodeUtf8(`${passphrase}\n`), { mode: 0o600 });
  return createContext({ home, passphraseFile, color: false, input: false, ...flags }, {});
}

test('unlockEarly wipes a seed that no client asked for when the command ends', async () => {
  const context = contextWith(PASSPHRASE);
  unlockEarly(context);
  await context.end();
  expect(opened.seeds).toHaveLength(1);
  const [seed] = opened.seeds as [Secret<Uint8Array>];
  expect(() => reveal(seed, 'test')).toThrow('after it was wiped');
});

test('unlockEarly leaves a seed that a client asked for to that client', async () => {
  const context = contextWith(PASSPHRASE);
  const seed = (await unlockEarly(context)()) as Secret<Uint8Array>;
  await context.end();
  expect(reveal(seed, 'test')).toEqual(new Uint8Array(32).fill(7));
});

test('unlockEarly says that a passphrase is wrong to whoever asks for the seed, and to nobody else', async () => {
  const context = contextWith('another one');
  await expect(unlockEarly(context)()).rejects.toMatchObject({ code: 'PASSPHRASE_WRONG' });
  unlockEarly(context);
  await context.end();
});

test('unlockEarly opens nothing for a preview', async () => {
  const context = contextWith(PASSPHRASE, { preview: true });
  unlockEarly(context);
  await context.end();
  expect(opened.seeds).toEqual([]);
});

test('unlockEarly keeps a seed that was open long before a client asks for it', async () => {
  const context = contextWith(PASSPHRASE);
  const take = unlockEarly(context);
  await vi.waitFor(() => expect(opened.seeds).toHaveLength(1), { timeout: 20_000 });
  // One more turn, in which whatever follows the opening runs.
  await new Promise((resolve) => setImmediate(resolve));
  expect(reveal((await take()) as Secret<Uint8Array>, 'test')).toEqual(new Uint8Array(32).fill(7));
  await context.end();
});
