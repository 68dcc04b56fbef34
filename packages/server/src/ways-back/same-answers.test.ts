import { join } from 'node:path';
import { COMMON_TOTP, type ContactName, type Parameters, signVoucher, totpOf } from '@ckm/api';
import { secret } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IDENTITY_FILE } from '../server/folder/data-dir.js';
import { person, random } from '../test/rooms.js';
import { openVaultOf, rowsOf } from '../test/stored-secrets.js';
import { keysOf, startTestServer, type TestServer } from '../test/test-server.js';
import { handleKeyOf } from '../vault/handle-key.js';
import { readPrivateFile } from '../vault/key-file.js';
import { codeFor, codeStep, handleOf } from './handles.js';

const MAIL = { host: '127.0.0.1', port: 1, tls: 'none', from: 'ckm@example.org' } as const;
const [alice, friend, other] = [person(1), person(71), person(72)];
let alpha: TestServer;
let appName: string;
let strangers = 100;

beforeAll(async () => {
  alpha = await startTestServer({ settings: { mail: MAIL } });
  const words = await alpha.as(alice).join();
  const set = (contact: Parameters<'contact.set'>['contact']) =>
    words.ask('contact.set', { id: random(32), contact });
  const ofFriend = await set({ kind: 'xid' });
  const voucher = vouch(friend, 'contact', alice.xid);
  await words.ask('contact.verify', { id: ofFriend.contact.id, proof: { voucher } });
  const app = await set({ kind: 'totp' });
  appName = app.contact.name;
  const code = totpOf(secret(app.secret!), Math.floor(alpha.now / COMMON_TOTP.period), COMMON_TOTP);
  await words.ask('contact.verify', { id: app.contact.id, proof: { code } });
  const { id } = (await set({ kind: 'mail', address: 'alice@example.org' })).contact;
  await words.ask('contact.verify', { id, proof: { code: codeSentFor(id) } });
  const { contacts } = await words.ask('contact.list', {});
  expect(contacts.map(({ state }) => state)).toEqual(['inForce', 'inForce', 'inForce']);
});
afterAll(() => alpha.remove());

/** The code in the e-mail about a contact, as the server makes it. */
function codeSentFor(about: Uint8Array): string {
  const vault = openVaultOf(alpha.dataDir);
  const seed = vault.openFile(IDENTITY_FILE, readPrivateFile(join(alpha.dataDir, IDENTITY_FILE)));
  const key = handleKeyOf(secret(seed));
  const handle = handleOf(key, 'mail', 'alice@example.org');
  return codeFor(key, { handle, about }, codeStep(alpha.now));
}

function vouch(by: Identity, vouched: 'contact' | 'recovery', about: Uint8Array) {
  const { xid: server } = keysOf(alpha.server);
  return signVoucher({ server, vouched, about, issuedAt: alpha.now }, by);
}

/** Whatever a stranger could leave something in, and that stays; what he has sent is looked at with the ways back, where nobody sends it meanwhile. */
const TABLES = ['accounts', 'contacts', 'recoveries', 'recovery_tries', 'audit'] as const;
const countRows = (): Readonly<Record<string, number>> =>
  Object.fromEntries(TABLES.map((table) => [table, rowsOf(alpha.dataDir, table).length]));

/** What a stranger who was never here before is answered, how long that is, and how many rows there are more. */
async function told<F extends 'recovery.open' | 'recovery.prove'>(
  name: F,
  parametersOf: (who: Identity) => Parameters<F>,
) {
  const who = person(++strangers);
  const client = alpha.as(who);
  const before = countRows();
  const answer = await client.post(client.seal(name, parametersOf(who), { introduce: true }));
  const after = countRows();
  let said: unknown;
  try {
    said = client.read(name, answer);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    said = { code, message };
  }
  const more = Object.entries(after).filter(([table, count]) => count !== before[table]);
  return {
    said,
    length: answer.bytes.length,
    rows: more.map(([table, count]) => [table, count - (before[table] ?? 0)]),
  };
}

const named = (contact: ContactName, code = '12345678') => ({
  contact,
  proof: { code },
  deed: 'recover' as const,
});

describe('P9: unknown and known: same bytes, same rows', () => {
  test('P9: who asks for a code', async () => {
    const ask = (name: string) => told('recovery.open', () => ({ contact: { kind: 'mail', name } }));
    // The first time a row is there to count in; alice’s was there when her address was set.
    expect((await ask('carol@example.org')).rows).toEqual([['recovery_tries', 1]]);
    const known = await ask('alice@example.org');
    expect(known.rows).toEqual([]);
    expect(await ask('carol@example.org')).toEqual(known);
  });

  test.each([
    ['an address', { kind: 'mail', name: 'alice@example.org' }, { kind: 'mail', name: 'dora1@example.org' }],
    ['an app', null, { kind: 'totp', name: '0123456789ab' }],
  ] as const)('P9: who types a wrong code for %s', async (_, contact, unknown) => {
    const known = await told('recovery.prove', () => named(contact ?? { kind: 'totp', name: appName }));
    // One for the name, and one for the name and whoever asks.
    expect(known).toMatchObject({
      said: { code: 'RECOVERY_NOT_PROVEN' },
      rows: [['recovery_tries', 2]],
    });
    expect(await told('recovery.prove', () => named(unknown))).toEqual(known);
  });

  test('P9: who brings the voucher of a contact that is none, or one of a contact for another key', async () => {
    const bring = (by: Identity, about: Uint8Array) =>
      told('recovery.prove', () => ({
        contact: { kind: 'xid', name: '' },
        proof: { voucher: vouch(by, 'recovery', about) },
        deed: 'recover',
      }));
    const known = await bring(friend, alice.xid);
    expect(known.said).toMatchObject({ code: 'RECOVERY_NOT_PROVEN' });
    expect(await bring(other, alice.xid)).toEqual(known);
  });
});
