import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { encodeHex } from '@ckm/foundation';
import { preparing } from '@ckm/testkit';
import { afterEach, expect, test } from 'vitest';
import { createKeyDesk } from '../../../control/desks/key-desk.js';
import { findTightening, NO_TIGHTENING, storeTightening } from '../../../policy/tightening.js';
import { unlessChanged } from '../../../storage/tampered-row.js';
import { EPOCH_KEYS_FOLDER } from '../../../vault/epoch-key-name.js';
import { createActiveKeys } from '../active-keys.js';
import { alice, createBareServers, makeKey, messageOf } from '../../test/bare-servers.js';
import type { KeyRow, Reader } from '../../../storage/storage.js';
import { recordOf, makeKeyThenLose } from '../../test/lost-database.js';

const NOTHING_ASKED = { asksOperator: false, delay: 0 };

const network = createBareServers();
afterEach(() => network.close());

const code = (name: string) => expect.objectContaining({ code: name }) as Error;

test('without its epoch keys a server lists and shows its keys, and says why it does not sign; when they are back it signs', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId, signer, certificate } = await makeKey(callers);
  const folder = join(servers[0]!.dataDir, EPOCH_KEYS_FOLDER);
  renameSync(folder, `${folder}-away`);
  const listed = await callers[0]!.call('key.list', { after: null });
  expect(listed.keys.map((key) => key.state)).toEqual(['active']);
  expect((await callers[0]!.call('key.show', { keyId })).certificate).toEqual(certificate);
  await expect(signer.pool(1)).rejects.toThrow(code('EPOCH_KEY_MISSING'));
  renameSync(`${folder}-away`, folder);
  expect(await signer.sign(messageOf('back'), [1, 2])).toHaveLength(64);
});

test('whoever has the storage key and the database, but not the key of the epoch, has neither share nor seed', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const { context } = servers[0]!;
  const { certified, staticSeed } = await recordOf(servers[0]!, keyId);
  const scope = { owner: alice.xid, keyId, epoch: 0 };
  const [row, head, epoch] = await context.storage.read(async (reader) => [
    (await reader.shares.find(alice.xid, keyId, 0))!,
    (await reader.keys.find(alice.xid, keyId))!,
    (await reader.epochs.find(alice.xid, keyId, 0))!,
  ]);
  context.epochKeys.destroy(scope);
  expect(() => context.vault.openRow('shares', row)).toThrow(code('ROW_TAMPERED'));
  expect(() => context.epochKeys.find(scope)).toThrow(code('EPOCH_KEY_MISSING'));
  const opened = [context.vault.openRow('keys', head), context.vault.openRow('key_epochs', epoch)];
  for (const secret of [certified!.share, staticSeed!])
    for (const bytes of opened) expect(Buffer.from(bytes).includes(Buffer.from(secret))).toBe(false);
});

test('a key of an epoch that is destroyed is overwritten and gone, and one made anew opens nothing of before', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId, signer } = await makeKey(callers);
  const { context, dataDir } = servers[0]!;
  const folder = join(dataDir, EPOCH_KEYS_FOLDER);
  const [file] = readdirSync(folder);
  const before = readFileSync(join(folder, file!));
  const scope = { owner: alice.xid, keyId, epoch: 0 };
  context.epochKeys.destroy(scope);
  expect(readdirSync(folder)).toEqual([]);
  context.epochKeys.create(scope).wipe();
  expect(readFileSync(join(folder, file!)).equals(before)).toBe(false);
  await expect(signer.pool(1)).rejects.toThrow(code('ROW_TAMPERED'));
});

test('of two replicas that make the key of one epoch at once both go on with the same', async () => {
  const epochKeys = join((await network.open()).dataDir, EPOCH_KEYS_FOLDER);
  const shared = {
    settings: { epochKeys },
    seed: new Uint8Array(randomBytes(32)),
    storageKey: new Uint8Array(randomBytes(32)),
  };
  const contexts = [(await network.open(shared)).context, (await network.open(shared)).context];
  const scope = { owner: alice.xid, keyId: new Uint8Array(32).fill(7), epoch: 0 };
  const [one, two] = contexts.map((context) => context.epochKeys.create(scope));
  const columns = { ...scope, version: 1 };
  expect(two!.openRow('shares', one!.sealRow('shares', columns, Uint8Array.of(1, 2)))).toEqual(
    Uint8Array.of(1, 2),
  );
  expect(readdirSync(epochKeys)).toHaveLength(1);
});

test('a static backup gives a share back also to a server that has its database but lost its epoch keys', async () => {
  const { servers, callers, backup, made } = await makeKeyThenLose(network);
  const { context, dataDir } = servers[1]!;
  context.epochKeys.destroy({ owner: alice.xid, keyId: made.keyId, epoch: 0 });
  const bravo = await network.restart(servers[1]!);
  callers[1] = await bravo.as(alice);
  await expect(callers[1].call('craft.prepare', preparing(made.keyId, 1))).rejects.toThrow(
    code('EPOCH_KEY_MISSING'),
  );
  await callers[1].call('key.restore', backup);
  // Alpha has lost everything and says nothing: the one that is left is too few, and the operator decides.
  await expect(callers[1].call('craft.prepare', preparing(made.keyId, 1))).rejects.toThrow(
    code('KEY_HEAD_UNKNOWN'),
  );
  await createKeyDesk(bravo).release(encodeHex(made.keyId), null);
  await callers[1].call('craft.prepare', preparing(made.keyId, 1));
  expect(readdirSync(join(dataDir, EPOCH_KEYS_FOLDER))).toHaveLength(1);
});

test('the head of a key that is put back as it was under a running server is refused', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const { context, sessions } = servers[0]!;
  const before = await context.storage.read(({ keys }) => keys.find(alice.xid, keyId));
  await context.storage.transact((transaction) =>
    sessions.noteTightened(transaction, before!, {
      version: 0,
      stoppedAt: null,
      weighty: NOTHING_ASKED,
      frozen: null,
    }),
  );
  const active = createActiveKeys(context);
  const findAs = (row: KeyRow | null) =>
    context.storage.read((reader) => {
      const keys = { ...reader.keys, find: async () => row };
      return active.find(row === null ? reader : { ...reader, keys }, alice.xid, keyId);
    });
  expect((await findAs(null)).version).toBe(before!.version + 1);
  await expect(findAs(before)).rejects.toThrow(code('KEY_WENT_BACK'));
  expect((await findAs(null)).version).toBe(before!.version + 1);
  active.wipe();
});

test('an answer of the database that a newer one has overtaken, as happens on PostgreSQL, does not look like a key that was put back', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const { context, sessions } = servers[0]!;
  const active = createActiveKeys(context);
  const gate = new AbortController();
  const before = await context.storage.read(({ keys }) => keys.find(alice.xid, keyId));
  const find = async () => {
    await once(gate.signal, 'abort');
    return before;
  };
  const slow = active.find({ keys: { find } } as unknown as Reader, alice.xid, keyId);
  await context.storage.transact((transaction) =>
    sessions.noteTightened(transaction, before!, {
      version: 0,
      stoppedAt: null,
      weighty: NOTHING_ASKED,
      frozen: null,
    }),
  );
  const findNow = () => context.storage.read((reader) => active.find(reader, alice.xid, keyId));
  expect((await findNow()).version).toBe(before!.version + 1);
  gate.abort();
  await expect(slow).rejects.toThrow(code('ROW_CHANGED'));
  expect((await findNow()).version).toBe(before!.version + 1);
  active.wipe();
});

test('an operator who tightens a key between two statements of a request does not make its rows look put back', async () => {
  const { servers, callers } = await network.openMany(2);
  const { keyId } = await makeKey(callers);
  const { context, sessions } = servers[0]!;
  const { storage, vault } = context;
  const before = await storage.read(({ keys }) => keys.find(alice.xid, keyId));
  const tightening = { ...NO_TIGHTENING, blindAllowed: false };
  await storage.transact(async (transaction) => {
    const stored = await storeTightening(vault, transaction, before!, tightening);
    await sessions.noteTightened(transaction, before!, stored);
  });
  const look = (head: KeyRow) =>
    storage.read((reader) =>
      unlessChanged(reader, head, () => findTightening(vault, reader, { ...head, tightened: 0 })),
    );
  await expect(look(before!)).rejects.toThrow(code('ROW_CHANGED'));
  // The head that is there now says the same as the one that was put back: then it is no race.
  const now = await storage.read(({ keys }) => keys.find(alice.xid, keyId));
  await expect(look(now!)).rejects.toThrow(code('ROW_TAMPERED'));
});
