// @module-tag long
import type { FunctionName } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { afterEach, expect, test } from 'vitest';
import { createFamily, type Family } from './test/family.js';

let family: Family;
afterEach(() => family.close());

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

test('P12: of what an owner tells servers of his account, his devices and his ways back no two are told the same', async () => {
  family = await createFamily();
  const { network, words } = family;
  const told = new Map<string, Set<string>>();
  const functions = new Set<FunctionName>();
  for (const server of network.servers) {
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
