import { buildDeriveRequest } from './derive/build.js';
import { parseLabel } from './derive/label.js';
import { concatBytes, encodeHex, encodeUtf8 } from '@ckm/foundation';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import type { Facts, FactType } from './facts.js';
import { bitcoinKey, ed25519Key, type KnownKey } from './fixtures/keys.js';
import { outcome } from './fixtures/outcome.js';
import { back, coin, pay, payee, psbtOf, txid, type TxInput, type TxOutput } from './fixtures/psbt.js';
import { buildGitRequest } from './git/build.js';
import { buildMessageRequest } from './message/build.js';
import { REQUEST_FACTS, REQUEST_KIND_NAMES, requestKind } from './registry/registry.js';
import { sshFingerprint, sshPublicKeyBlob } from './ssh/blob.js';
import { buildSshAuthRequest, buildSshSigRequest } from './ssh/build.js';
import { lengthPrefixed } from './wire/bytes.js';

const treasury = bitcoinKey();
const laptop = ed25519Key('ssh', 'laptop');
const ID = 'a'.repeat(40);
const ALICE = 'Alice <alice@example.org> 1795286400 +0200';
const hostBlob = sshPublicKeyBlob(ed25519Key('ssh', '', 'host').context.public.groupKey);
const scriptHash = (script: Uint8Array) => encodeHex(sha256(script));

const factsOf = (kind: string, payload: Uint8Array, { context }: KnownKey): Facts =>
  requestKind(kind).parse(payload).facts(context);

function payment(inputs: readonly TxInput[], outputs: readonly TxOutput[]): Facts {
  return factsOf('bitcoin', psbtOf(inputs, outputs), treasury);
}

function login(hostKey: Uint8Array | null): Facts {
  const challenge = concatBytes(
    lengthPrefixed(sha256(encodeUtf8('session'))),
    Uint8Array.of(50),
    lengthPrefixed('bob'),
    lengthPrefixed('ssh-connection'),
    lengthPrefixed(hostKey === null ? 'publickey' : 'publickey-hostbound-v00@openssh.com'),
    Uint8Array.of(1),
    lengthPrefixed('ssh-ed25519'),
    lengthPrefixed(sshPublicKeyBlob(laptop.context.public.groupKey)),
    ...(hostKey === null ? [] : [lengthPrefixed(hostKey)]),
  );
  return factsOf('ssh', buildSshAuthRequest(challenge), laptop);
}

function gitObject(text: string): Facts {
  return factsOf('git', buildGitRequest(encodeUtf8(text)), laptop);
}

const push = (pushee: string) =>
  gitObject(
    `certificate version 0.1\npusher release 1795286400 +0200\n${pushee}nonce 1-c0ffee\n\n${ID} ${'b'.repeat(40)} refs/heads/main\n`,
  );
const commit = () => gitObject(`tree ${ID}\nauthor ${ALICE}\ncommitter ${ALICE}\n\nFix the bridge\n`);
const tag = () => gitObject(`object ${ID}\ntype commit\ntag v1\ntagger ${ALICE}\n\nFirst\n`);
const message = (domain: string) =>
  factsOf('message', buildMessageRequest({ domain, bytes: encodeUtf8('hello') }), ed25519Key('message'));
const derivation = () =>
  factsOf('derive', buildDeriveRequest(parseLabel('backup/nas')), {
    ...laptop,
    context: {
      ...ed25519Key('derive').context,
      suite: 'ristretto255',
      public: { ...ed25519Key('derive').context.public, suite: 'ristretto255' },
    },
  });
const signature = () => {
  const typed = { namespace: 'file', message: encodeUtf8('hello'), hash: 'sha512' as const };
  return factsOf('ssh', buildSshSigRequest(typed), laptop);
};

describe('a payment says', () => {
  test('what is not the key’s again with its fee, the fee, how much that is, and whom it pays, by the hash of the script', () => {
    expect(payment([coin(treasury, 0, 100_000n)], [pay(60_000n), back(treasury, 0, 30_000n)])).toEqual({
      kind: ['bitcoin'],
      amountSats: 70_000,
      feeSats: 10_000,
      feeShare: 1_667,
      destinations: [scriptHash(payee())],
    });
  });

  test('that coins burnt as a fee are spent, though nobody is paid', () => {
    const facts = payment([coin(treasury, 0, 100_000n)], [back(treasury, 0, 1_000n)]);
    expect(facts).toMatchObject({
      amountSats: 99_000,
      feeSats: 99_000,
      feeShare: 9_900,
      destinations: [],
    });
  });

  test('that what others bring is not set off against what leaves', () => {
    const theirs = { txid: txid('bob'), index: 0, witnessUtxo: { amount: 50_000n, script: payee() } };
    const facts = payment([coin(treasury, 0, 100_000n), theirs], [pay(140_000n, 'carol')]);
    expect(facts).toMatchObject({ amountSats: 150_000, feeSats: 10_000 });
  });

  test('each destination once, data among them, whatever the order', () => {
    const data = { amount: 0n, script: Uint8Array.of(0x6a, 1, 7) };
    const outputs = [pay(10_000n, 'carol'), data, pay(20_000n), pay(30_000n)];
    const expected = [payee('carol'), payee(), data.script].map(scriptHash).sort();
    expect(payment([coin(treasury, 0, 100_000n)], outputs)['destinations']).toEqual(expected);
    expect(payment([coin(treasury, 0, 100_000n)], outputs.toReversed())['destinations']).toEqual(expected);
  });

  test('nothing when it lies about the key', () => {
    const lie = { ...back(treasury, 0, 60_000n), script: payee() };
    expect(outcome(() => payment([coin(treasury, 0, 100_000n)], [lie]))).not.toBe('accepted');
  });
});

describe('a request for an SSH key says', () => {
  test('of a login who, and where, if the challenge names a server', () => {
    expect(login(hostBlob)).toEqual({
      kind: ['ssh'],
      form: ['login'],
      user: ['bob'],
      hostKey: [sshFingerprint(hostBlob)],
    });
    expect(login(null)['hostKey']).toBeNull();
  });

  test('of a signature its namespace, and no user that it does not have', () => {
    expect(signature()).toEqual({ kind: ['ssh'], form: ['signature'], namespace: ['file'] });
  });

  test('of a push the repository as it is named; of a commit, a tag, or a push that names none, that nobody knows', () => {
    expect(push('pushee https://example.org/bridge.git\n')).toEqual({
      kind: ['git'],
      form: ['push'],
      repository: ['https://example.org/bridge.git'],
    });
    expect([push(''), commit(), tag()].map((facts) => [facts['form'], facts['repository']])).toEqual([
      [['push'], null],
      [['commit'], null],
      [['tag'], null],
    ]);
  });
});

test('a message says its domain, and the empty one where it has none', () => {
  expect(message('example.org')).toEqual({ kind: ['message'], domain: ['example.org'] });
  expect(message('')['domain']).toEqual(['']);
});

describe('the facts of every kind', () => {
  const said = [
    payment([coin(treasury, 0, 100_000n)], [pay(60_000n)]),
    login(hostBlob),
    login(null),
    signature(),
    push('pushee x\n'),
    commit(),
    tag(),
    message('x'),
    derivation(),
  ];
  const isOf = (type: FactType | undefined, value: Facts[string]) => {
    if (type === undefined) return false;
    if (value === null) return true;
    if (typeof value === 'number') return !type.is.startsWith('text') && Number.isSafeInteger(value);
    return type.is === 'texts' || (type.is === 'text' && value.length === 1);
  };

  test('are of the type that is told before, all of them appear, and no other', () => {
    const wrong = said.flatMap((facts) => {
      const types = REQUEST_FACTS[(facts['kind'] as readonly string[])[0]!]!;
      return Object.entries(facts).filter(([name, value]) => !isOf(types[name], value));
    });
    expect(wrong).toEqual([]);
    const told = new Set(Object.values(REQUEST_FACTS).flatMap((types) => Object.keys(types)));
    expect(new Set(said.flatMap((facts) => Object.keys(facts)))).toEqual(told);
    expect(Object.keys(REQUEST_FACTS)).toEqual([...REQUEST_KIND_NAMES]);
  });

  test('have one type and one name in a sentence, whichever kind gives them', () => {
    const seen = new Map<string, FactType>();
    for (const types of Object.values(REQUEST_FACTS)) {
      for (const [name, type] of Object.entries(types)) {
        expect(seen.get(name) ?? type, name).toEqual(type);
        seen.set(name, type);
      }
    }
    const nouns = [...seen.values()].map(({ noun }) => noun);
    expect(new Set(nouns).size).toBe(nouns.length);
  });
});
