import { encodeHex } from '@ckm/foundation';
import { encodeData } from '@ckm/gordian';
import { hash } from '@ckm/threshold';
import { describe, expect, test } from 'vitest';
import type { Vault } from '../vault/vault.js';
import type { KeyHead } from './keys/stored/key-head.js';
import type { KeyEpoch, KeySecrets } from './keys/stored/read-key.js';
import type { SessionRecord } from './session/session-record.js';
import { openRecord, sealRecord } from '../vault/sealed-record.js';
import type { AttemptRecord, RequestRecord } from '../requests/request-record.js';

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

/** Seals nothing: what is sealed can be looked at. */
const open: Vault = {
  ...({} as Vault),
  sealRow: (_table, columns, plaintext) => ({ ...columns, sealed: plaintext.slice() }) as never,
  openRow: (_table, row) => row.sealed.slice(),
};

const policy = {
  kinds: ['message'],
  rateLimit: { count: 3, perSeconds: 60 },
  expiresAt: 2_000_000_000,
  blindAllowed: false,
  approval: 'operator' as const,
};
const quorum = { needed: 2, of: 3 };
const session: SessionRecord = {
  proposal: { kind: 'dkg', keyId: bytes(32, 1), suite: 'ed25519', purpose: 'message', quorum, policy },
  offer: {
    serverId: bytes(32, 2),
    identityKey: bytes(32, 3),
    staticKey: bytes(32, 4),
    staticProof: bytes(64, 5),
    sealingKey: bytes(32, 30),
    identitySignature: bytes(64, 6),
    url: 'http://127.0.0.1:1',
  },
  parameters: bytes(10, 7),
  seats: {
    identityKeys: [bytes(32, 3), bytes(32, 30)],
    sealingKeys: [bytes(32, 31), bytes(32, 32)],
    ownSlot: 1,
    epoch: 0,
    speeches: [[{ from: [1, 2], to: [0] }], [{ from: [2], to: [1] }]],
  },
  marks: [{ round: 0, from: 1, to: 0, digest: bytes(32, 33) }],
  round: 1,
  awaiting: [2, 3],
  secrets: bytes(40, 8),
  result: null,
  fault: { code: 'FAULT_MALFORMED', round: 1, culprits: [3] },
  reason: null,
};
const head: KeyHead = {
  suite: 'ed25519',
  purpose: 'message',
  quorum,
  policy,
  slot: 2,
  sessionId: bytes(32, 9),
  certified: {
    transcriptHash: bytes(32, 12),
    acknowledgement: bytes(64, 13),
    groupKey: bytes(32, 14),
    commitment: [bytes(32, 14), bytes(32, 15)],
    verifyingShares: [bytes(32, 16), bytes(32, 17), bytes(32, 18)],
    chainCode: bytes(32, 19),
  },
  material: 2,
  tightened: 0,
};
const keyEpoch: KeyEpoch = { parameters: bytes(10, 7), certificate: bytes(100, 11) };
const secrets: KeySecrets = { share: bytes(32, 10), pending: null, staticSeed: bytes(32, 24) };
const request: RequestRecord = {
  kind: 'message',
  payloadHash: bytes(32, 20),
  tasksHash: bytes(32, 21),
  sentence: 'Sign “hello”.',
  approvedBy: 'operator',
  reason: null,
};
/** One that waits holds more. */
const waiting: RequestRecord = {
  ...request,
  shown: {
    rows: [
      { label: 'Domain', value: 'none' },
      { label: 'Message', value: '“hello”', note: '5 bytes' },
    ],
    rowsLeftOut: 0,
    warnings: [{ code: 'BLIND_SIGNING', text: 'nobody can say what it is' }],
    blind: false,
  },
  approvedBy: null,
};
const attempt: AttemptRecord = {
  attemptHash: bytes(32, 22),
  answer: { craft: 'frost', shares: [bytes(32, 23)] },
  problem: null,
};

/** SHA-256 of the bytes of each record. Changing one means that no server can read what an earlier version has stored: write a migration first. */
const FROZEN = {
  sessions: [session, '0fc5854918014f1edf440945aca7068cb00ba3f72ebf95f0acabc26179b3cfcf'],
  keys: [head, '58f7f1d957290624c07f2cd4a80b0b0fbe208a7329c2f86806887b46aa1ee395'],
  key_epochs: [keyEpoch, '5d9830331586d28e563ec91330c10a133b1f4de8728d08b97578b5325469c727'],
  shares: [secrets, 'a95c4c95dbf81f8fd0450291967531e3ba07cbba453bfffa78e862156c3db265'],
  requests: [request, 'd846bdf708a87e98a78c3dde655ba2c404320f63b0faf56bcdce58cc099d069f'],
  'requests that wait': [waiting, '923824fd03033ac9ddbbaa1478418b23b1ddb2c45ea05e735d7b49a1d91f3240'],
  attempts: [attempt, 'd0a8310c67d4dafd040f14a92d26d9af23914fca8527205565222685195ba103'],
} as const;

describe('what is stored', () => {
  for (const [table, [record, frozen]] of Object.entries(FROZEN)) {
    test(`a record of ${table} has the bytes it always had, and is read back as it was`, () => {
      const row = sealRecord(open, table as 'sessions', {} as never, record);
      expect(encodeHex(hash('sha256', row.sealed))).toBe(frozen);
      expect(openRecord(open, table as 'sessions', row)).toEqual(record);
    });
  }

  test('a record of a later layout is refused, not guessed at', () => {
    const row = { sealed: encodeData({ layout: 2, ...attempt }) } as never;
    expect(() => openRecord(open, 'attempts', row)).toThrow(
      expect.objectContaining({ code: 'RECORD_LAYOUT_UNKNOWN' }),
    );
  });
});
