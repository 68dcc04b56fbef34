// @module-tag long
import { afterEach, expect, test, vi } from 'vitest';
import { codeIn, startMailServer, type TestMailServer } from '../test/mail-server.js';
import { person, random } from '../test/rooms.js';
import { startTestServer, type TestServer } from '../test/test-server.js';

const PATIENTLY = { timeout: 30_000, interval: 50 };
const alice = person(1);
const servers: TestServer[] = [];
const mailServers: TestMailServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.remove();
  for (const one of mailServers.splice(0)) await one.close();
});

test('codes reach the address of a contact and nobody else, and no message names the account or has a link', async () => {
  const mailServer = await startMailServer();
  mailServers.push(mailServer);
  const { taken, port } = mailServer;
  const mail = { host: '127.0.0.1', port, tls: 'none', from: 'ckm@example.org' } as const;
  const alpha = await startTestServer({ settings: { mail } });
  servers.push(alpha);
  const words = await alpha.as(alice).join();
  const arrived = async (count: number) => {
    await vi.waitUntil(() => taken.length >= count, PATIENTLY);
    expect(taken).toHaveLength(count);
    return taken[count - 1]!;
  };
  const id = random(32);
  await words.ask('contact.set', { id, contact: { kind: 'mail', address: 'Alice@Example.org' } });
  const first = await arrived(1);
  expect(first.to).toEqual(['alice@example.org']);
  const verified = await words.ask('contact.verify', { id, proof: { code: codeIn(first.text)! } });
  expect(verified.contact).toMatchObject({ kind: 'mail', state: 'inForce', name: 'alice@example.org' });

  alpha.now += 1_000;
  const stranger = alpha.as(person(110));
  const asStranger = async (name: 'recovery.open' | 'recovery.prove', parameters: never) =>
    stranger.read(name, await stranger.post(stranger.seal(name, parameters, { introduce: true })));
  const open = (name: string) => asStranger('recovery.open', { contact: { kind: 'mail', name } } as never);
  // Of nobody: the same answer, and nothing goes anywhere.
  expect(await open('carol@example.org')).toEqual(await open('alice@example.org'));
  const second = await arrived(2);
  expect(second.to).toEqual(['alice@example.org']);
  const contact = { kind: 'mail', name: 'alice@example.org' };
  const proof = { code: codeIn(second.text)! };
  const proven = await asStranger('recovery.prove', { contact, proof, deed: 'recover' } as never);
  expect(proven).toMatchObject({ state: 'waiting', proofs: ['mail'] });
  const told = await arrived(3);
  expect(told.text).toMatch('somebody wants an account back');
  for (const { text } of taken) {
    expect(text).not.toMatch(/https?:/);
    expect(text).not.toMatch(Buffer.from(alice.xid).toString('hex').slice(0, 8));
  }
  expect(alpha.log()).not.toMatch(codeIn(second.text)!);
}, 90_000);
