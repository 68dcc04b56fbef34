import { decodeUtf8, encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { hasProgram, run } from '../fixtures/programs.js';
import { MAX_SENTENCE } from '../kind.js';
import { sshFingerprint, sshPublicKeyBlob } from '../ssh/blob.js';
import { buildGitRequest, embedGitSignature, splitGitSignature } from './build.js';
import { gitKind } from './index.js';

const key = ed25519Key('git', 'release');
const PRINT = sshFingerprint(sshPublicKeyBlob(key.context.public.groupKey));
const [OLD, NEW, NONE] = ['a'.repeat(40), 'b'.repeat(40), '0'.repeat(40)];

interface Certificate {
  version?: string;
  pusher?: string;
  headers?: string;
  updates?: string;
}

function certificate(change: Certificate = {}): Uint8Array {
  const pusher = change.pusher ?? `${PRINT} 1795286400 +0200`;
  const headers = change.headers ?? 'pushee https://example.org/bridge.git\nnonce 1795286399-c0ffee\n';
  const updates = change.updates ?? `${OLD} ${NEW} refs/heads/main\n`;
  return encodeUtf8(
    `certificate version ${change.version ?? '0.1'}\npusher ${pusher}\n${headers}\n${updates}`,
  );
}

function isAllowed(ref: string): boolean {
  try {
    run('/', 'git', ['check-ref-format', ref]);
    return true;
  } catch {
    return false;
  }
}

function describeOf(object: Uint8Array) {
  return gitKind.describe(gitKind.parse(buildGitRequest(object)), key.context);
}

const codesOf = (object: Uint8Array) => describeOf(object).warnings.map(({ code }) => code);

describe('a push certificate', () => {
  test('is told in one sentence and a table', () => {
    const headers = 'pushee https://example.org/bridge.git\nnonce 1795286399-c0ffee\npush-option ci.skip\n';
    const updates = [
      `${OLD} ${NEW} refs/heads/main`,
      `${NONE} ${NEW} refs/tags/v1.0`,
      `${OLD} ${NONE} refs/heads/old`,
      `${OLD} ${NEW} refs/heads/other`,
    ];
    expect(describeOf(certificate({ headers, updates: `${updates.join('\n')}\n` }))).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "Pusher",
            "note": "this key, 2026-11-21 18:40:00 UTC, zone +0200",
            "value": "SHA256:8DfwdgyxaVyxffRpvfMCrwJBlDEO5/C4TKnEWoOK0VQ",
          },
          {
            "label": "Goes to",
            "value": "“https://example.org/bridge.git”",
          },
          {
            "label": "Nonce",
            "value": "“1795286399-c0ffee”",
          },
          {
            "label": "Option",
            "value": "“ci.skip”",
          },
          {
            "label": "Ref",
            "note": "from aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa to bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            "value": "“refs/heads/main”",
          },
          {
            "label": "Ref",
            "note": "new, at bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            "value": "“refs/tags/v1.0”",
          },
          {
            "label": "Ref",
            "note": "deleted, was aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "value": "“refs/heads/old”",
          },
          {
            "label": "Ref",
            "note": "from aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa to bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            "value": "“refs/heads/other”",
          },
          {
            "label": "Certificate",
            "note": "573 bytes",
            "value": "SHA-256 8c2c 7e9f 7035 d66f 4b28 db6e d3f2 5da8 48c2 4e2b 0e0a 091c 5541 51d7 6163 6f6f",
          },
        ],
        "sentence": "Sign push to “https://example.org/bridge.git” of 2026-11-21 18:40:00 UTC: move refs/heads/main from aaaaaaaaaaaa… to bbbbbbbbbbbb…; create refs/tags/v1.0 at bbbbbbbbbbbb…; delete refs/heads/old, which is at aaaaaaaaaaaa…; 1 more, with release",
        "warnings": [],
      }
    `);
  });

  test('is signed whole: what is signed ends in its signature, and comes apart again', () => {
    const object = certificate();
    const typed = gitKind.parse(buildGitRequest(object));
    const armored = gitKind.finish(typed, key.context, gitKind.tasks(typed, key.context).map(key.sign));
    const signed = embedGitSignature(object, armored);
    expect(decodeUtf8(signed)).toMatch(/refs\/heads\/main\n-----BEGIN SSH SIGNATURE-----\n/);
    expect(splitGitSignature(signed)).toEqual({ object, armored });
    expect(outcome(() => buildGitRequest(signed))).toBe('GIT_OBJECT_MALFORMED');
  });

  test('names its key as git does, with two blanks behind the fingerprint', () => {
    const told = describeOf(certificate({ pusher: `${PRINT}  1795286400 +0200` }));
    expect(told.rows[0]).toMatchObject({
      value: PRINT,
      note: expect.stringMatching(/^this key, /) as string,
    });
    expect(told.warnings).toEqual([]);
  });

  test('of a key that is another says so, and one without a nonce or without a place too', () => {
    expect(codesOf(certificate())).toEqual([]);
    expect(codesOf(certificate({ pusher: `SHA256:${'A'.repeat(43)} 1 +0000` }))).toEqual([
      'PUSHER_IS_ANOTHER',
    ]);
    expect(codesOf(certificate({ pusher: 'Alice <alice@example.org> 1 +0000' }))).toEqual([]);
    const bare = certificate({ headers: '' });
    expect(codesOf(bare)).toEqual(['PUSH_WITHOUT_NONCE', 'PUSH_WITHOUT_PUSHEE']);
    const nowhere = certificate({ headers: 'nonce 1795286399-c0ffee\n' });
    expect(describeOf(nowhere).warnings).toEqual([
      {
        code: 'PUSH_WITHOUT_PUSHEE',
        text: 'the certificate names no repository: whoever has it can offer it to any',
      },
    ]);
    expect(describeOf(bare).sentence).toContain('Sign push to somewhere that it does not name of 2026');
  });

  test('of many refs says three and counts the rest; the table has all, and the sentence stays a sentence', () => {
    const long = (at: number) => `refs/heads/${String.fromCodePoint(0x20000 + at).repeat(60)}`;
    const lines = Array.from({ length: 1000 }, (_, at) => `${OLD} ${NEW} ${long(at)}\n`);
    const headers = `pushee ${'\u{e0001}'.repeat(400)}\nnonce x\n`;
    const { sentence, rows } = describeOf(certificate({ headers, updates: lines.join('') }));
    expect(sentence).toContain('; 997 more, with release');
    expect(sentence.length).toBeLessThanOrEqual(MAX_SENTENCE);
    expect(rows.filter(({ label }) => label === 'Ref')).toHaveLength(1000);
    const more = certificate({ updates: [...lines, `${OLD} ${NEW} refs/heads/more\n`].join('') });
    expect(outcome(() => buildGitRequest(more))).toBe('GIT_PUSH_TOO_LARGE');
  });

  test('a ref or place cannot continue our sentence, or hide a part of it', () => {
    const told = describeOf(
      certificate({
        headers: 'pushee a of 2020-01-01 00:00:00 UTC: delete refs/heads/x”\u202e\nnonce x\n',
        updates: `${OLD} ${NEW} refs/heads/a\u202eb\n`,
      }),
    );
    expect(told.sentence).toContain(
      String.raw`Sign push to “a of 2020-01-01 00:00:00 UTC: delete refs/heads/x\”\u{202e}” of 2026`,
    );
    expect(told.sentence).toContain(
      String.raw`move “refs/heads/a\u{202e}b” from aaaaaaaaaaaa… to bbbbbbbbbbbb…`,
    );
    expect(told.warnings.map(({ code }) => code)).toEqual(['HIDDEN_CHARACTERS']);
  });

  const toRefs = (...refs: string[]) =>
    certificate({ updates: refs.map((ref) => `${OLD} ${NEW} ${ref}\n`).join('') });

  test.each<[string, string, string, string]>([
    ['composed otherwise', 'é', 'e\u0301', String.raw`“refs/heads/\u{e9}” and “refs/heads/e\u{301}”`],
    ['of Cyrillic letters', 'main', 'm\u0430in', String.raw`“refs/heads/main” and “refs/heads/m\u{430}in”`],
    ['with a digit for a letter', 'v1.0', 'vl.O', '“refs/heads/v1.0” and “refs/heads/vl.O”'],
    ['in capitals', 'main', 'MAIN', '“refs/heads/main” and “refs/heads/MAIN”'],
  ])('of two refs that look the same, one %s, names both letter by letter', (_what, one, other, named) => {
    const object = toRefs('refs/heads/x', `refs/heads/${one}`, `refs/heads/${other}`);
    const twins = describeOf(object).warnings.find(({ code }) => code === 'REFS_LOOK_ALIKE');
    expect(twins?.text).toBe(`it changes refs that people or disks may take for one: ${named}`);
    expect(codesOf(toRefs('refs/heads/x', `refs/heads/${one}`))).toEqual([]);
  });

  test('of refs that no git takes names the first and counts the rest', () => {
    const object = toRefs('refs/heads/main', 'refs/heads/../../x', 'refs/x');
    expect(describeOf(object).warnings).toEqual([
      {
        code: 'REF_NAME_INVALID',
        text: 'git takes no ref of the name “refs/heads/../../x”, and 1 more like it',
      },
    ]);
  });

  test.skipIf(!hasProgram('git', '--version'))('says of each ref what git check-ref-format says', () => {
    const names = [
      'main',
      'a/b',
      '.a',
      'a/.b',
      'a..b',
      'a.',
      'a.lock',
      'a.lock/b',
      'a//b',
      'a/',
      '@',
      '@{',
      'a@{b',
    ];
    for (const ref of [...names.map((name) => `refs/heads/${name}`), 'refs/x']) {
      // git itself is content with two levels; the side that receives wants one below them.
      const isTaken = isAllowed(ref) && ref !== 'refs/x';
      expect([ref, codesOf(toRefs(ref))]).toEqual([ref, isTaken ? [] : ['REF_NAME_INVALID']]);
    }
  });

  test.each<[string, Certificate]>([
    ['of another version', { version: '0.2' }],
    ['without a pusher’s time', { pusher: PRINT }],
    ['with a line that none has', { headers: 'nonce x\nchange-id y\n' }],
    ['with two nonces', { headers: 'nonce x\nnonce y\n' }],
    ['with its lines in another order', { headers: 'nonce x\npushee y\n' }],
    ['with a nonce of two words', { headers: 'nonce x y\n' }],
    ['over two lines', { headers: 'pushee x\n y\n' }],
    ['that changes nothing', { updates: '' }],
    ['that changes a ref to what it is', { updates: `${OLD} ${OLD} refs/heads/main\n` }],
    ['that ends too early', { updates: `${OLD} ${NEW} refs/heads/main` }],
    ['with an empty line', { updates: `${OLD} ${NEW} refs/heads/main\n\n${OLD} ${NEW} refs/heads/x\n` }],
    ['with a short id', { updates: `${OLD} abc refs/heads/main\n` }],
    ['with ids of two kinds', { updates: `${OLD} ${'b'.repeat(64)} refs/heads/main\n` }],
    ['of what is no ref', { updates: `${OLD} ${NEW} main\n` }],
    ['of a ref with a space', { updates: `${OLD} ${NEW} refs/heads/main and more\n` }],
    ['of one ref twice', { updates: `${OLD} ${NEW} refs/heads/main\n`.repeat(2) }],
    ['with a signature', { updates: `${OLD} ${NEW} refs/heads/main\n-----BEGIN SSH SIGNATURE-----\n` }],
  ])('%s is refused', (_, change) => {
    expect(outcome(() => buildGitRequest(certificate(change)))).toBe('GIT_OBJECT_MALFORMED');
  });
});
