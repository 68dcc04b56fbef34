import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { expect, test } from 'vitest';
import { bitcoinKey, ed25519Key } from './fixtures/keys.js';
import { coin, pay, psbtOf, txid } from './fixtures/psbt.js';
import { buildGitRequest } from './git/build.js';
import { MAX_SENTENCE, type KeyContext } from './kind.js';
import { buildMessageRequest } from './message/build.js';
import { requestKind } from './registry/registry.js';
import { sshPublicKeyBlob } from './ssh/blob.js';
import { buildSshAuthRequest, buildSshSigRequest } from './ssh/build.js';
import { lengthPrefixed } from './wire/bytes.js';

const LONG = '\u{e0001}'.repeat(400);
const WIDE = '\u{20000}'.repeat(60);

function challenge(user: string, key: KeyContext): Uint8Array {
  return concatBytes(
    lengthPrefixed(new Uint8Array(64)),
    Uint8Array.of(50),
    lengthPrefixed(user),
    lengthPrefixed('ssh-connection'),
    lengthPrefixed('publickey-hostbound-v00@openssh.com'),
    Uint8Array.of(1),
    lengthPrefixed('ssh-ed25519'),
    lengthPrefixed(sshPublicKeyBlob(key.public.groupKey)),
    lengthPrefixed(lengthPrefixed('ssh-ed25519')),
  );
}

function worstRequests(name: string): [string, KeyContext, Uint8Array][] {
  const context = (kind: 'message' | 'ssh' | 'git') => ({ ...ed25519Key(kind).context, name });
  const treasury = bitcoinKey(name);
  const foreign = Array.from({ length: 200 }, (_, at) => ({
    txid: txid(`their ${at}`),
    index: 0,
    witnessUtxo: { amount: 2_000_000_000_000n, script: pay(1n).script as Uint8Array },
  }));
  const outputs = Array.from({ length: 300 }, (_, at) => pay(1_000_000_000_000n, `${at}`));
  const person = `${LONG.slice(0, 500)} <${LONG.slice(0, 500)}> 99999999999 +0000`;
  const commit = `tree ${'a'.repeat(64)}\n${`parent ${'b'.repeat(64)}\n`.repeat(64)}author ${person}\ncommitter ${person}\n\n${LONG}\n`;
  const tag = `object ${'a'.repeat(64)}\ntype commit\ntag ${LONG}\ntagger ${person}\n\n${LONG}\n`;
  return [
    ['message', context('message'), buildMessageRequest({ domain: 'd'.repeat(64), bytes: encodeUtf8(LONG) })],
    [
      'message',
      { ...context('message'), fileName: LONG },
      buildMessageRequest({ domain: 'd'.repeat(64), bytes: new Uint8Array(1_000_000).fill(0xff) }),
    ],
    ['message', context('message'), buildMessageRequest({ domain: '', bytes: encodeUtf8(WIDE.repeat(40)) })],
    [
      'ssh',
      context('ssh'),
      buildSshSigRequest({ namespace: 'n'.repeat(64), message: encodeUtf8(WIDE.repeat(40)) }),
    ],
    [
      'ssh',
      context('ssh'),
      buildSshSigRequest({ namespace: 'n'.repeat(64), digest: new Uint8Array(64).fill(1) }),
    ],
    ['ssh', context('ssh'), buildSshAuthRequest(challenge(WIDE, context('ssh')))],
    ['git', context('git'), buildGitRequest(encodeUtf8(commit))],
    ['git', context('git'), buildGitRequest(encodeUtf8(tag))],
    ['bitcoin', treasury.context, psbtOf([coin(treasury, 0, 1_000_000n), ...foreign], outputs)],
  ];
}

test(
  'no request makes a sentence too long to show, or a sentence of more than one line',
  { tags: 'slow' },
  () => {
    for (const name of ['treasury', LONG, WIDE]) {
      for (const [kindName, key, payload] of worstRequests(name)) {
        const { sentence, rows } = requestKind(kindName).parse(payload).describe(key);
        expect(sentence.length).toBeLessThanOrEqual(MAX_SENTENCE);
        expect(sentence).not.toMatch(/[\n\r]/);
        for (const { label, value, note } of rows)
          expect(`${label}${value}${note ?? ''}`).not.toMatch(/[\n\r]/);
      }
    }
  },
);
