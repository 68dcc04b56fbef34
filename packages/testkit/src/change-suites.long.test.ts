// @module-tag long
import type { ChangeWish } from '@ckm/client';
import { encodeHex, encodeUtf8 } from '@ckm/foundation';
import { buildMessageRequest, requestKind, frostTasks } from '@ckm/requests';
import type { SuiteName } from '@ckm/threshold';
import { ed25519, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MortalOwner } from './mortal-owners.js';
import { startMortalServers } from './mortal-servers.js';
import { canSpawnServers } from './server-process.js';

const PAYLOAD = buildMessageRequest({ domain: 'suites', bytes: encodeUtf8('still the same key') });
const NAMES = ['alpha', 'bravo', 'charlie', 'delta'];

/** Whether noble accepts a signature of a suite under the key as it was first made. */
const JUDGES: Readonly<
  Record<SuiteName, (signature: Uint8Array, message: Uint8Array, key: Uint8Array) => boolean>
> = {
  ed25519: (signature, message, key) => ed25519.verify(signature, message, key),
  ristretto255: (signature, message, key) => ristretto255_FROST.verify(signature, message, key),
  secp256k1: (signature, message, key) => secp256k1_FROST.verify(signature, message, key),
  // BIP-340 knows a key by its x alone.
  'secp256k1-tr': (signature, message, key) => schnorr.verify(signature, message, key.subarray(-32)),
  'P-256': (signature, message, key) => p256_FROST.verify(signature, message, key),
};

const STEPS: readonly (readonly [ChangeWish, readonly string[], needed: number])[] = [
  [{ kind: 'refresh' }, ['alpha', 'bravo', 'charlie'], 2],
  [{ kind: 'add-server', server: 'delta' }, NAMES, 2],
  [{ kind: 'remove-server', server: 'alpha' }, ['bravo', 'charlie', 'delta'], 2],
  [{ kind: 'replace-server', server: 'charlie', by: 'alpha' }, ['bravo', 'alpha', 'delta'], 2],
  [{ kind: 'requorum', quorum: { needed: 3, of: 4 }, servers: NAMES }, NAMES, 3],
];

describe.skipIf(!canSpawnServers)(
  'changes of a key over servers that are processes (skipped when not compiled: npm run build)',
  () => {
    let owner: MortalOwner;
    let close: () => Promise<void>;
    beforeAll(async () => {
      ({ owner, close } = await startMortalServers(NAMES));
    }, 60_000);
    afterAll(() => close());

    test.each(Object.entries(JUDGES) as [SuiteName, (typeof JUDGES)[SuiteName]][])(
      'of %s: refreshed, with one more, one less, another one and another quorum, each set of servers signs, and noble accepts it under the first public key',
      async (suite, judge) => {
        const { client } = owner;
        const name = suite.toLowerCase();
        const quorum = { needed: 2, of: 3 } as const;
        const policy = { changes: 'automatic', changeDelay: 0 } as const;
        await client.createKey({
          name,
          purpose: 'message',
          suite,
          quorum,
          servers: NAMES.slice(0, 3),
          policy,
        });
        const { public: born } = await client.showKey(name);
        const [task] = frostTasks(
          requestKind('message').parse(PAYLOAD).tasks({ suite, purpose: 'message', public: born }),
        );
        const isGood = (signature: Uint8Array) => {
          try {
            return judge(signature, task!.message, born.groupKey);
          } catch {
            return false;
          }
        };
        /** By all but one, each of whom is left out in turn, where it takes fewer than all. */
        const signs = async (members: readonly string[], needed: number) => {
          for (const left of members) {
            const asked = { key: name, kind: 'message', payload: PAYLOAD, without: [left] } as const;
            const { signers, signatures } = await client.sign(asked);
            expect(signers).toHaveLength(needed);
            expect(signers).not.toContain(left);
            const forged = signatures[0]!.slice();
            forged[forged.length - 1]! ^= 1;
            expect([signatures[0]!, forged].map(isGood)).toEqual([true, false]);
          }
        };
        await signs(NAMES.slice(0, 3), 2);
        for (const [i, [wish, members, needed]] of STEPS.entries()) {
          const changed = await client.changeKey({ name, wish });
          expect(changed).toMatchObject({ epoch: i + 1, isAsOrdered: true, behind: [], faults: [] });
          expect(changed.forgetting.map(({ outcome }) => outcome)).toEqual(
            changed.forgetting.map(() => 'forgot'),
          );
          const now = await client.showKey(name);
          expect(encodeHex(now.public.groupKey)).toBe(encodeHex(born.groupKey));
          await signs(members, needed);
        }
      },
      120_000,
    );
  },
);
