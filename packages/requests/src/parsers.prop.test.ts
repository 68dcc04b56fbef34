import { buildDeriveRequest } from './derive/build.js';
import { parseLabel } from './derive/label.js';
import { CkmError, concatBytes, encodeHex, encodeUtf8 } from '@ckm/foundation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitcoinKey, ed25519Key } from './fixtures/keys.js';
import { back, coin, pay, psbtOf } from './fixtures/psbt.js';
import { buildGitRequest } from './git/build.js';
import { MAX_SENTENCE, type Description, type KeyContext, type ParsedRequest } from './kind.js';
import { buildMessageRequest } from './message/build.js';
import { REQUEST_KIND_NAMES, requestKind } from './registry/registry.js';
import { sshPublicKeyBlob } from './ssh/blob.js';
import { buildSshAuthRequest, buildSshSigRequest } from './ssh/build.js';
import { lengthPrefixed } from './wire/bytes.js';

const treasury = bitcoinKey();
const contexts = {
  message: ed25519Key('message').context,
  bitcoin: treasury.context,
  ssh: ed25519Key('ssh').context,
  git: ed25519Key('git').context,
  derive: {
    ...ed25519Key('derive').context,
    suite: 'ristretto255',
    public: { ...ed25519Key('derive').context.public, suite: 'ristretto255' },
  },
} satisfies Record<string, KeyContext>;
type Name = keyof typeof contexts;
const person = 'Alice <alice@example.org> 1795286400 +0200';
const challenge = concatBytes(
  lengthPrefixed(new Uint8Array(32).fill(7)),
  Uint8Array.of(50),
  ...['bob', 'ssh-connection', 'publickey'].map(lengthPrefixed),
  Uint8Array.of(1),
  lengthPrefixed('ssh-ed25519'),
  lengthPrefixed(sshPublicKeyBlob(contexts.ssh.public.groupKey)),
);
const inputs = [coin(treasury, 0, 600_000n), coin(treasury, 1, 5_000n)];
const outputs = [pay(500_000n), back(treasury, 0, 99_000n)];

/** A few good payloads of each kind, to be damaged. */
const seeds: Record<Name, readonly Uint8Array[]> = {
  message: [
    buildMessageRequest({ domain: '', bytes: encodeUtf8('hello, world') }),
    buildMessageRequest({ domain: 'example.org', bytes: encodeUtf8('hello') }),
  ],
  bitcoin: [psbtOf(inputs, outputs), psbtOf(inputs, outputs, { psbtVersion: 2 })],
  ssh: [
    buildSshAuthRequest(challenge),
    buildSshSigRequest({ namespace: 'file', message: encodeUtf8('hello') }),
    buildSshSigRequest({ namespace: 'file', digest: new Uint8Array(64).fill(1) }),
  ],
  derive: [buildDeriveRequest(parseLabel('backup/nas')), buildDeriveRequest(parseLabel('a'))],
  git: [
    buildGitRequest(encodeUtf8(`tree ${'a'.repeat(40)}\nauthor ${person}\ncommitter ${person}\n\nFix\n`)),
    buildGitRequest(encodeUtf8(`object ${'a'.repeat(40)}\ntype commit\ntag v1\ntagger ${person}\n\nFirst\n`)),
    buildGitRequest(
      encodeUtf8(
        `certificate version 0.1\npusher ${person}\nnonce x\n\n${'a'.repeat(40)} ${'b'.repeat(40)} refs/heads/x\n`,
      ),
    ),
  ],
};

type Damage = { readonly at: number; readonly what: 'set' | 'insert' | 'remove'; readonly byte: number };

function damaged(bytes: Uint8Array, damages: readonly Damage[]): Uint8Array {
  const list = [...bytes];
  for (const { at, what, byte } of damages) {
    const place = at % (list.length + 1);
    list.splice(place, what === 'insert' ? 0 : 1, ...(what === 'remove' ? [] : [byte]));
  }
  return Uint8Array.from(list);
}

const damage = fc.record({
  at: fc.nat(4096),
  what: fc.constantFrom('set', 'insert', 'remove'),
  byte: fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xfd, 0xfe, 0xff), fc.nat(255)),
}) as fc.Arbitrary<Damage>;

/** Everything a server does with a payload, down to the digest. */
function examine(name: Name, payload: Uint8Array): void {
  const kind = requestKind(name);
  let parsed: ParsedRequest;
  try {
    parsed = kind.parse(payload);
  } catch (error) {
    expect(error).toBeInstanceOf(CkmError);
    expect((error as CkmError).errorClass).toBe('EncodingError');
    return;
  }
  const told = attempt(() => parsed.describe(contexts[name]));
  const tasks = attempt(() => parsed.tasks(contexts[name]));
  // Never a signature for what could not be described.
  expect(tasks === null).toBe(told === null);
  expect(told?.sentence.length ?? 0).toBeLessThanOrEqual(MAX_SENTENCE);
}

function attempt<T>(deed: () => T): T | null {
  try {
    return deed();
  } catch (error) {
    expect(error).toBeInstanceOf(CkmError);
    return null;
  }
}

/** Satoshis that a sentence says are paid away. */
function paid(told: Description | null): number {
  return Number(
    /^Pay (\d+)\.(\d{8}) BTC to /
      .exec(told?.sentence ?? '')
      ?.slice(1)
      .join('') ?? Number.NaN,
  );
}

test('every kind is tried', () => {
  expect(Object.keys(seeds).sort()).toEqual([...REQUEST_KIND_NAMES].sort());
});

describe.each(Object.keys(seeds) as Name[])('a %s request', (name) => {
  test('that is noise gives a typed refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        examine(name, payload);
      }),
      { numRuns: 100 },
    );
  });

  test('that is damaged gives a typed refusal, or a request that is whole', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds[name]),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        (seed, list) => {
          examine(name, damaged(seed, list));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('changes what is signed with every byte of it that is not ignored', { tags: 'slow' }, () => {
    const kind = requestKind(name);
    const read = (payload: Uint8Array) => {
      const parsed = attempt(() => kind.parse(payload));
      const tasks = parsed === null ? null : attempt(() => parsed.tasks(contexts[name]));
      const digests = JSON.stringify(
        tasks?.map((task) => encodeHex(task.craft === 'frost' ? task.message : task.input)),
      );
      return { digests, told: parsed === null ? null : attempt(() => parsed.describe(contexts[name])) };
    };
    for (const seed of seeds[name]) {
      const before = read(seed);
      for (let at = 0; at < seed.length; at++) {
        const changed = seed.slice();
        changed[at]! ^= 1;
        const after = read(changed);
        if (after.told === null || after.digests !== before.digests) continue;
        // The same is signed, so the same is told: else something is described that is not signed. What a PSBT proves
        // about change may get lost with a byte of the proof, but then more leaves, never less.
        if (after.told.sentence === before.told?.sentence) continue;
        expect(paid(after.told), `byte ${at}`).toBeGreaterThan(paid(before.told));
      }
    }
  });
});
