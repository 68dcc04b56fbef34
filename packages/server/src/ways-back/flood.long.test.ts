// @module-tag long
import { COMMON_TOTP, type Parameters, type Result, signVoucher, totpOf, type Vouched } from '@ckm/api';
import { secret } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { person, random } from '../test/rooms.js';
import { keysOf, startTestServer, type TestServer } from '../test/test-server.js';
import { codeOf } from './test/people.js';

const [alice, friend, other] = [person(1), person(71), person(72)];
const [newKey, vetoer] = [person(110), person(111)];
let alpha: TestServer;
let app: { readonly name: string; code(): string };
let knocked = 200;

beforeAll(async () => {
  alpha = await startTestServer();
  const words = await alpha.as(alice).join();
  const set = (contact: { kind: 'xid' | 'totp' }) => words.ask('contact.set', { id: random(32), contact });
  const ofFriend = await set({ kind: 'xid' });
  await words.ask('contact.verify', { id: ofFriend.contact.id, proof: vouch(friend, 'contact', alice.xid) });
  const { contact, secret: shared } = await set({ kind: 'totp' });
  const code = () => totpOf(secret(shared!.slice()), Math.floor(alpha.now / COMMON_TOTP.period), COMMON_TOTP);
  await words.ask('contact.verify', { id: contact.id, proof: { code: code() } });
  app = { name: contact.name, code };
  alpha.now += 60;
}, 60_000);
afterAll(() => alpha.remove());

function vouch(by: Identity, vouched: Vouched, about: Uint8Array) {
  const { xid: server } = keysOf(alpha.server);
  return { voucher: signVoucher({ server, vouched, about, issuedAt: ++alpha.now }, by) };
}

async function askAs<F extends 'recovery.show' | 'recovery.finish' | 'recovery.prove'>(
  who: Identity,
  name: F,
  parameters: Parameters<F>,
): Promise<Result<F>> {
  const client = alpha.as(who);
  return client.read(name, await client.post(client.seal(name, parameters, { introduce: true })));
}
const ask = (who: Identity, name: 'recovery.show' | 'recovery.finish') =>
  codeOf(askAs(who, name, name === 'recovery.show' ? {} : { notes: new Uint8Array(0) }));
const prove = (who: Identity, by: Identity, about = who.xid) =>
  codeOf(
    askAs(who, 'recovery.prove', {
      contact: { kind: 'xid', name: '' },
      proof: vouch(by, 'veto', about),
      deed: 'veto',
    }),
  );
/** Others ask until nobody else is heard. */
async function flood(): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await ask(person(++knocked), 'recovery.show')) === 'QUOTA_MESSAGES') return;
  }
  throw new Error('everybody is heard');
}

test('P8: however many ask, whoever has a case, an app or the voucher of a contact is heard', async () => {
  const recover = { contact: { kind: 'totp', name: app.name }, deed: 'recover' } as const;
  await flood();
  const proof = { code: app.code() };
  const shown = askAs(newKey, 'recovery.prove', { ...recover, proof });
  expect(await shown).toMatchObject({ state: 'waiting' });
  await flood();
  expect(await ask(newKey, 'recovery.finish')).toBe('RECOVERY_EARLY');
  expect(await ask(vetoer, 'recovery.show')).toBe('QUOTA_MESSAGES');
  // A voucher of a contact of nobody, and one for another key, are of no use.
  await flood();
  expect([await prove(vetoer, other), await prove(vetoer, friend, newKey.xid)]).toEqual([
    'QUOTA_MESSAGES',
    'QUOTA_MESSAGES',
  ]);
  expect(await prove(vetoer, friend)).toBe('OK');
  expect(await ask(newKey, 'recovery.finish')).toBe('RECOVERY_ENDED');
  // Nobody who is known is heard without end.
  const answers: string[] = [];
  await flood();
  for (let i = 0; i < 60; i++) answers.push(await ask(newKey, 'recovery.show'));
  expect(answers).toContain('QUOTA_MESSAGES');
}, 120_000);
