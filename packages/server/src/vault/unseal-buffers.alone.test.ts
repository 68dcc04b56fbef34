// @module-tag long
import type * as nodeCrypto from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUtf8, reveal, secret } from '@ckm/foundation';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectOperator } from '../control/connect-operator.js';
import { IDENTITY_FILE } from '../server/folder/data-dir.js';
import { PASSPHRASE, startTestServer, type TestServer } from '../test/test-server.js';
import type * as ciphers from './cipher.js';
import { createVault } from './create-vault.js';
import { SEALED_KEY_FILE } from './key-source.js';
import { openKeyFile } from './passphrase.js';

/** Every buffer that went into or came out of the stretching of a passphrase, and all that was opened, with what it held. */
const memory = vi.hoisted(() => {
  const buffers: { readonly what: string; readonly bytes: Uint8Array; readonly held: Buffer }[] = [];
  const keep = (what: string, bytes: Uint8Array) =>
    void buffers.push({ what, bytes, held: Buffer.from(bytes) });
  return { buffers, keep };
});

vi.mock('node:crypto', async (original) => {
  const actual = await original<typeof nodeCrypto>();
  type Done = (error: Error | null, key: Buffer) => void;
  const scrypt = (passphrase: Uint8Array, salt: Uint8Array, length: number, cost: object, done: Done) => {
    memory.keep('passphrase', passphrase);
    actual.scrypt(passphrase, salt, length, cost, (error, key) => {
      if (error === null) memory.keep('stretched', key);
      done(error, key);
    });
  };
  return { ...actual, scrypt };
});

vi.mock('./cipher.js', async (original) => {
  const actual = await original<typeof ciphers>();
  const open: typeof actual.cipher.open = (...given) => {
    const plaintext = actual.cipher.open(...given);
    if (plaintext !== null) memory.keep('opened', plaintext);
    return plaintext;
  };
  return { ...actual, cipher: { ...actual.cipher, open } };
});

let alpha: TestServer;
let secrets: { readonly passphrase: Buffer; readonly storageKey: Buffer; readonly seed: Buffer };
const read = (name: string) => new Uint8Array(readFileSync(join(alpha.dataDir, name)));

beforeEach(async () => {
  alpha = await startTestServer({ isSealed: true });
  const storageKey = await openKeyFile(read(SEALED_KEY_FILE), secret(encodeUtf8(PASSPHRASE)));
  const key = Buffer.from(reveal(storageKey.key, 'test'));
  const vault = createVault(storageKey, (length) => new Uint8Array(length));
  const seed = Buffer.from(vault.openFile(IDENTITY_FILE, read(IDENTITY_FILE)));
  secrets = { passphrase: Buffer.from(PASSPHRASE), storageKey: key, seed };
  memory.buffers.length = 0;
});
afterEach(() => alpha.remove());

/** In which buffers each secret was, and whether it is in one of them still. */
function traces() {
  const stretched = memory.buffers.find(({ what }) => what === 'stretched')!;
  const all = { ...secrets, stretched: stretched.held };
  return Object.entries(all).map(([name, bytes]) => {
    const held = memory.buffers.filter((buffer) => buffer.held.includes(bytes));
    return {
      name,
      seen: held.length > 0,
      left: held.some((buffer) => Buffer.from(buffer.bytes).includes(bytes)),
    };
  });
}

const WIPED = ['passphrase', 'storageKey', 'seed', 'stretched'].map((name) => ({
  name,
  seen: true,
  left: false,
}));

test('whoever reads the memory of a server that was started with its passphrase finds neither that nor the seed of its identity in the buffers they came in', async () => {
  const passphrase = encodeUtf8(PASSPHRASE);
  await alpha.restart({ passphrase: secret(passphrase) });
  expect(alpha.server.phase()).toBe('ready');
  expect(traces()).toEqual(WIPED);
  expect(passphrase).toEqual(new Uint8Array(passphrase.length));
});

test('whoever reads the memory of a server that was unsealed over its control socket finds neither its passphrase nor the seed of its identity in the buffers they came in', async () => {
  await connectOperator(alpha.dataDir).unseal(secret(encodeUtf8(PASSPHRASE)));
  expect(alpha.server.phase()).toBe('ready');
  expect(traces()).toEqual(WIPED);
});
