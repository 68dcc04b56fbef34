// @module-tag long
import type { FunctionName } from '@ckm/api';
import { encodeHex, encodeUtf8, secret } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createApprover } from '../approver/approver.js';
import { httpCarrier } from '../carrier/http-carrier.js';
import { memoryStore } from '../store/memory-store.js';
import { readTermsFile } from '../terms/file/terms-file.js';
import { createTestNetwork, messageOf, type TestNetwork } from '../test/test-network.js';
import { createFamily, type Family } from './test/family.js';

let family: Family | null = null;
let network: TestNetwork | null = null;
afterEach(async () => {
  await family?.close();
  await network?.close();
  family = network = null;
});

/** What is about one account, and no key. */
const OF_ACCOUNTS = /^(account|device|contact|recovery)\./;
/** Shorter ones are the same by chance, as versions and kinds are. */
const TELLING = 16;

/** Byte strings in what is told, wherever they stand. */
function bytesIn(value: unknown, found: Set<string>): Set<string> {
  if (value instanceof Uint8Array) {
    if (value.length >= TELLING) found.add(encodeHex(value));
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) bytesIn(part, found);
  }
  return found;
}

/** All that is asked of some servers, and what they answer. */
function listen({ servers }: TestNetwork, names: readonly string[], asked: Set<FunctionName>): Set<string> {
  const told = new Set<string>();
  for (const server of servers.filter(({ name }) => names.includes(name)))
    server.tamper = async ({ name, parameters }, honest) => {
      const answer = await honest();
      asked.add(name);
      bytesIn(parameters, told);
      bytesIn(answer, told);
      return answer;
    };
  return told;
}

const IN_TWO_KEYS = [
  { owner: 0x31, key: 'letters', name: 'bob', servers: ['alpha', 'bravo'] },
  { owner: 0x32, key: 'savings', name: 'robert', servers: ['charlie', 'delta'] },
];

test('P12: servers of two owners who ask the same approver see nothing in common: not when he is named, asked, says yes, or says no', async () => {
  network = await createTestNetwork(4);
  const { send } = network;
  const clock = () => network!.now;
  const bob = createApprover({
    secret: secret(new Uint8Array(32).fill(0x41)),
    store: memoryStore(),
    carrier: httpCarrier(send),
    clock,
    timeoutMs: 5_000,
  });
  const asked = new Set<FunctionName>();
  const told: ReadonlySet<string>[] = [];
  for (const { owner, key, name, servers } of IN_TWO_KEYS) {
    told.push(listen(network, servers, asked));
    const client = await network.owner({ seed: secret(new Uint8Array(32).fill(owner)) });
    const { text } = await client.inviteApprover({ key, name, servers });
    const { answer } = await bob.join(text);
    await client.takeAnswer(answer.text);
    const rule = { needed: 1, of: [name] };
    const approvals = [{ when: { all: [] }, ...rule }];
    const change = { ...rule, delay: '3d', words: '30d' };
    const written = { terms: 1, approvers: [name], approvals, change };
    const reading = { network: null, purpose: 'message' } as const;
    const terms = readTermsFile(encodeUtf8(JSON.stringify(written)), reading);
    const quorum = { needed: 2, of: 2 } as const;
    await client.createKey({ name: key, purpose: 'message', quorum, servers, terms });
    for (const what of ['first', 'second'])
      await client.sign({ key, ...messageOf(`${what} of ${key}`), waitSeconds: 0 }).catch(() => null);
  }
  const { matters, silent } = await bob.waiting();
  expect({ count: matters.length, silent }).toEqual({ count: 4, silent: [] });
  for (const [i, { id }] of matters.entries()) {
    const verdict = (['yes', 'no'] as const)[i % 2]!;
    const { at } = await bob.say(await bob.look(id), verdict, 'not today');
    expect(at).toHaveLength(2);
  }
  expect([...asked]).toEqual(
    expect.arrayContaining(['approval.give', 'approval.list', 'approval.show', 'request.ask']),
  );
  const [one, other] = told as [ReadonlySet<string>, ReadonlySet<string>];
  for (const each of told) expect(each.size).toBeGreaterThan(20);
  expect([...one].filter((bytes) => other.has(bytes))).toEqual([]);
}, 120_000);

test('P12: of what an owner tells servers of his account, his devices and his ways back no two are told the same', async () => {
  family = await createFamily();
  const { words } = family;
  const told = new Map<string, Set<string>>();
  const functions = new Set<FunctionName>();
  for (const server of family.network.servers) {
    const own = new Set<string>();
    told.set(server.name, own);
    server.tamper = async ({ name, parameters }, honest) => {
      const answer = await honest();
      if (!OF_ACCOUNTS.test(name)) return answer;
      functions.add(name);
      bytesIn(parameters, own);
      bytesIn(answer, own);
      return answer;
    };
  }
  await family.addDevice('phone', ['use', 'manage']);
  await words.run((client) => client.removeDevice({ name: 'phone' }));
  await words.run((client) => client.listContacts());
  await family.recover(family.newcomer(), ['alpha', 'charlie'], 'new');
  expect([...functions].toSorted()).toEqual(
    expect.arrayContaining(['contact.list', 'device.update', 'recovery.finish', 'recovery.prove']),
  );
  for (const name of told.keys()) expect(told.get(name)!.size).toBeGreaterThan(0);
  const all = [...told.values()].flatMap((own) => [...own]);
  expect(all.filter((bytes, at) => all.indexOf(bytes) !== at)).toEqual([]);
}, 120_000);
