import { frostTasks } from '../task.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, decodeUtf8, encodeUtf8 } from '@ckm/foundation';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { hasProgram, run, scratchFolder } from '../fixtures/programs.js';
import { sshKind } from './index.js';
import { lengthPrefixed } from '../wire/bytes.js';
import { sshFingerprint, sshPublicKeyBlob, sshPublicKeyLine, sshSignatureBlob } from './blob.js';
import {
  buildSshAgentRequest,
  buildSshAuthRequest,
  buildSshSigRequest,
  type SshsigSubject,
} from './build.js';
import { sshSignatureBlobOf } from './sshsig.js';

const kind = sshKind;
const key = ed25519Key('ssh', 'laptop');
const ourBlob = sshPublicKeyBlob(key.context.public.groupKey);
const hostBlob = sshPublicKeyBlob(ed25519Key('ssh', '', 'host').context.public.groupKey);

interface Challenge {
  sessionId?: Uint8Array;
  number?: number;
  user?: string | Uint8Array;
  service?: string;
  method?: string;
  wanted?: number;
  algorithm?: string;
  publicKey?: Uint8Array;
  hostKey?: Uint8Array | null;
}

function challengeOf(change: Challenge = {}): Uint8Array {
  const hostKey = change.hostKey === undefined ? hostBlob : change.hostKey;
  return concatBytes(
    lengthPrefixed(change.sessionId ?? sha256(encodeUtf8('session'))),
    Uint8Array.of(change.number ?? 50),
    lengthPrefixed(change.user ?? 'bob'),
    lengthPrefixed(change.service ?? 'ssh-connection'),
    lengthPrefixed(change.method ?? (hostKey === null ? 'publickey' : 'publickey-hostbound-v00@openssh.com')),
    Uint8Array.of(change.wanted ?? 1),
    lengthPrefixed(change.algorithm ?? 'ssh-ed25519'),
    lengthPrefixed(change.publicKey ?? ourBlob),
    ...(hostKey === null ? [] : [lengthPrefixed(hostKey)]),
  );
}

function rawLogin(challenge: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(1, 3), lengthPrefixed(challenge));
}

function describeOf(payload: Uint8Array) {
  return kind.describe(kind.parse(payload), key.context);
}

function signed(payload: Uint8Array): Uint8Array {
  const typed = kind.parse(payload);
  return kind.finish(typed, key.context, kind.tasks(typed, key.context).map(key.sign));
}

describe('a login', () => {
  test('bound to a server names it', () => {
    expect(describeOf(buildSshAuthRequest(challengeOf()))).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "User",
            "value": "bob",
          },
          {
            "label": "Server",
            "note": "ssh-ed25519",
            "value": "SHA256:CmBkqwg21A5RjqlqPrJCafJvzDG/9fQ9ofCfN2sl1KE",
          },
          {
            "label": "Key",
            "value": "SHA256:8DfwdgyxaVyxffRpvfMCrwJBlDEO5/C4TKnEWoOK0VQ",
          },
          {
            "label": "Session",
            "value": "3f3a f1ec ebbd 1410 ab41 7ec0 d27b bfcb 5d34 0e17 7ae1 59b5 9fc8 626c 2dfd 9175",
          },
        ],
        "sentence": "Log in as bob to the SSH server with host key SHA256:CmBkqwg21A5RjqlqPrJCafJvzDG/9fQ9ofCfN2sl1KE with laptop",
        "warnings": [],
      }
    `);
  });

  test('bound to no server warns', () => {
    const told = describeOf(buildSshAuthRequest(challengeOf({ hostKey: null })));
    expect(told.sentence).toBe('Log in as bob to an SSH server that the challenge does not name with laptop');
    expect(told.warnings.map(({ code }) => code)).toEqual(['SSH_HOST_UNKNOWN']);
  });

  test('signs exactly the challenge, and answers as an agent does', () => {
    const challenge = challengeOf();
    const typed = kind.parse(buildSshAuthRequest(challenge));
    const [task] = frostTasks(kind.tasks(typed, key.context));
    expect(task!.message).toEqual(challenge);
    expect(signed(buildSshAuthRequest(challenge))).toEqual(sshSignatureBlob(key.sign(task!).signature));
  });

  test('for another key is refused', () => {
    const typed = kind.parse(buildSshAuthRequest(challengeOf({ publicKey: hostBlob })));
    expect(outcome(() => kind.describe(typed, key.context))).toBe('SSH_KEY_NOT_OURS');
    expect(outcome(() => kind.tasks(typed, key.context))).toBe('SSH_KEY_NOT_OURS');
    expect(outcome(() => kind.finish(typed, key.context, []))).toBe('SSH_KEY_NOT_OURS');
  });

  test.each<[string, Challenge, string]>([
    ['a line break in the user name', { user: 'bob\nto a harmless server' }, 'SSH_USER_INVALID'],
    ['a bidi override in the user name', { user: 'bob\u202e' }, 'SSH_USER_INVALID'],
    ['an escape sequence in the user name', { user: 'bob\u001b[2K' }, 'SSH_USER_INVALID'],
    ['a NUL in the user name', { user: 'root\u0000bob' }, 'SSH_USER_INVALID'],
    ['a user name that is no text', { user: Uint8Array.of(0xff) }, 'SSH_USER_INVALID'],
    ['no user name', { user: '' }, 'SSH_USER_INVALID'],
    ['another message number', { number: 51 }, 'SSH_CHALLENGE_MALFORMED'],
    ['another service', { service: 'ssh-userauth' }, 'SSH_CHALLENGE_MALFORMED'],
    ['another method', { method: 'hostbased' }, 'SSH_CHALLENGE_MALFORMED'],
    ['a method of the other form', { method: 'publickey' }, 'SSH_CHALLENGE_MALFORMED'],
    ['no wish for a signature', { wanted: 0 }, 'SSH_CHALLENGE_MALFORMED'],
    ['a boolean that is neither', { wanted: 2 }, 'SSH_CHALLENGE_MALFORMED'],
    ['another algorithm', { algorithm: 'ssh-rsa' }, 'SSH_ALGORITHM_UNSUPPORTED'],
    ['a session id that is no hash', { sessionId: new Uint8Array(31) }, 'SSH_CHALLENGE_MALFORMED'],
    ['an empty session id', { sessionId: new Uint8Array() }, 'SSH_CHALLENGE_MALFORMED'],
    ['an invalid host key', { hostKey: Uint8Array.of(1, 2, 3) }, 'SSH_HOST_KEY_MALFORMED'],
    ['a host key of an unspeakable kind', { hostKey: lengthPrefixed('ssh\n') }, 'SSH_HOST_KEY_MALFORMED'],
  ])('with %s is refused', (_, change, code) => {
    expect(outcome(() => kind.parse(rawLogin(challengeOf(change))))).toBe(code);
  });

  test('cut off or continued anywhere is refused', () => {
    const challenge = challengeOf();
    for (let length = 0; length < challenge.length; length++) {
      expect(outcome(() => kind.parse(rawLogin(challenge.subarray(0, length))))).toBe(
        'SSH_CHALLENGE_MALFORMED',
      );
    }
    expect(outcome(() => kind.parse(rawLogin(concatBytes(challenge, Uint8Array.of(0)))))).toBe(
      'SSH_CHALLENGE_MALFORMED',
    );
  });
});

describe('an SSH signature', () => {
  const message = encodeUtf8('the release is good\n');

  test('over a message that is all there quotes it', () => {
    expect(describeOf(buildSshSigRequest({ namespace: 'file', message }))).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "Namespace",
            "value": "file",
          },
          {
            "label": "Message",
            "note": "20 bytes",
            "value": "“the release is good\\n”",
          },
          {
            "label": "SHA-512",
            "value": "512d f243 8698 3fb7 4705 5195 27ed c5b5 529f ed26 deb1 f11a 93be 2002 a8b3 4b67 c2e5 9143 b903 508f de4d f914 4ba8 9c4b 7d3d 4909 09ff 50a9 fd03 1dc8 8a25 7186",
          },
        ],
        "sentence": "Sign the message “the release is good\\n” in the SSH namespace file with laptop",
        "warnings": [],
      }
    `);
  });

  test('over a digest alone is blind', () => {
    const told = describeOf(buildSshSigRequest({ namespace: 'file', digest: sha512(message) }));
    expect(told.blind).toBe(true);
    expect(told.sentence).toMatch(
      /^Sign a message that cannot be described \(SHA-512 ([0-9a-f]{4} ?){32}\) — blind signing — in the SSH namespace file/,
    );
  });

  test('over a message nobody can read is blind', () => {
    expect(describeOf(buildSshSigRequest({ namespace: 'file', message: Uint8Array.of(0, 255) })).blind).toBe(
      true,
    );
  });

  test('hashes the message itself: the same task as for its true digest', () => {
    const tasksOf = (payload: Uint8Array) => kind.tasks(kind.parse(payload), key.context);
    for (const [hash, digest] of [
      ['sha256', sha256(message)],
      ['sha512', sha512(message)],
    ] as const) {
      expect(tasksOf(buildSshSigRequest({ namespace: 'file', hash, message }))).toEqual(
        tasksOf(buildSshSigRequest({ namespace: 'file', hash, digest })),
      );
    }
  });

  test('V52: over a zero digest is refused', () => {
    expect(outcome(() => buildSshSigRequest({ namespace: 'file', digest: new Uint8Array(64) }))).toBe(
      'SSH_DIGEST_ZERO',
    );
  });

  test.each<[string, SshsigSubject, string]>([
    ['in no namespace', { namespace: '', message }, 'SSH_NAMESPACE_INVALID'],
    ['in a namespace with a space', { namespace: 'a b', message }, 'SSH_NAMESPACE_INVALID'],
    ['in a namespace with a line break', { namespace: 'a\nb', message }, 'SSH_NAMESPACE_INVALID'],
    ['of a commit in disguise', { namespace: 'git', message }, 'SSH_NAMESPACE_IS_GIT'],
    [
      'of the digest of a commit in disguise',
      { namespace: 'git', digest: sha512(message) },
      'SSH_NAMESPACE_IS_GIT',
    ],
    ['with a digest of another length', { namespace: 'file', digest: sha256(message) }, 'PAYLOAD_MALFORMED'],
    ['with another hash', { namespace: 'file', hash: 'md5' as never, message }, 'SSH_HASH_UNKNOWN'],
  ])('%s is refused', (_, subject, code) => {
    expect(outcome(() => buildSshSigRequest(subject))).toBe(code);
  });

  test.skipIf(!hasProgram('ssh-keygen', '-?'))('is accepted by ssh-keygen -Y verify', () => {
    const folder = scratchFolder();
    writeFileSync(
      join(folder, 'allowed'),
      `alice@example.org namespaces="file" ${sshPublicKeyLine(key.context.public.groupKey)}\n`,
    );
    const verify = (signature: Uint8Array, input: Uint8Array) => {
      writeFileSync(join(folder, 'signature'), signature);
      const names = ['-f', 'allowed', '-I', 'alice@example.org', '-n', 'file', '-s', 'signature'];
      return run(folder, 'ssh-keygen', ['-Y', 'verify', ...names], { input });
    };
    for (const hash of ['sha256', 'sha512'] as const) {
      const armored = signed(buildSshSigRequest({ namespace: 'file', hash, message }));
      expect(verify(armored, message)).toContain('Good "file" signature for alice@example.org');
      expect(() => verify(armored, encodeUtf8('the release is bad\n'))).toThrow(/Command failed/);
    }
  });

  test.skipIf(!hasProgram('ssh-keygen', '-?'))('names a key that ssh-keygen can read', () => {
    const folder = scratchFolder();
    writeFileSync(
      join(folder, 'key.pub'),
      `${sshPublicKeyLine(key.context.public.groupKey, 'our key\nrm -rf')}\n`,
    );
    expect(run(folder, 'ssh-keygen', ['-l', '-f', 'key.pub'])).toBe(
      `256 ${sshFingerprint(ourBlob)} our-key-rm--rf (ED25519)\n`,
    );
  });
});

test('a key of another length has no SSH form', () => {
  expect(outcome(() => sshPublicKeyBlob(new Uint8Array(33)))).toBe('KEY_MALFORMED');
});

describe('what an agent is asked to sign', () => {
  const digest = sha512(encodeUtf8('hello'));
  const statement = (namespace: string, hash = 'sha512', reserved = '') =>
    concatBytes(
      encodeUtf8('SSHSIG'),
      lengthPrefixed(namespace),
      lengthPrefixed(reserved),
      lengthPrefixed(hash),
      lengthPrefixed(digest),
    );

  test('buildSshAgentRequest takes a login challenge as it came', () => {
    expect(buildSshAgentRequest(challengeOf())).toEqual({
      type: 'login',
      payload: buildSshAuthRequest(challengeOf()),
    });
  });

  test('the digest of an SSH signature: blind, and answered with the bare signature', () => {
    const { type, payload } = buildSshAgentRequest(statement('file'));
    expect(type).toBe('signature');
    expect(describeOf(payload).blind).toBe(true);
    const [task] = frostTasks(kind.tasks(kind.parse(payload), key.context));
    expect(task!.message).toEqual(statement('file'));
    expect(sshSignatureBlobOf(decodeUtf8(signed(payload)))).toEqual(
      sshSignatureBlob(key.sign(task!).signature),
    );
  });

  test('buildSshAgentRequest refuses everything but a login challenge and a file signature', () => {
    expect(outcome(() => buildSshAgentRequest(statement('file', 'sha1')))).toBe('SSH_HASH_UNKNOWN');
    expect(outcome(() => buildSshAgentRequest(statement('file', 'sha512', 'x')))).toBe(
      'SSH_CHALLENGE_MALFORMED',
    );
    expect(outcome(() => buildSshAgentRequest(encodeUtf8('SSHSIG')))).toBe('SSH_CHALLENGE_MALFORMED');
    expect(outcome(() => buildSshAgentRequest(new Uint8Array(32)))).toBe('SSH_CHALLENGE_MALFORMED');
    expect(outcome(() => buildSshAgentRequest(new Uint8Array()))).toBe('SSH_CHALLENGE_MALFORMED');
  });

  test('sshSignatureBlob refuses an armored text that is no signature', () => {
    for (const armored of ['', 'x', '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n']) {
      expect(outcome(() => sshSignatureBlobOf(armored))).toBe('SSH_SIGNATURE_MALFORMED');
    }
  });
});

test('a user name cannot continue our sentence', () => {
  const user = 'bob to the SSH server with host key SHA256:good with laptop';
  const told = describeOf(buildSshAuthRequest(challengeOf({ user })));
  expect(told.sentence).toMatch(/^Log in as “bob to the SSH server with host ”… \(59 characters, SHA-256 /);
});
