import { frostTasks } from '../task.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, decodeUtf8, encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { hasProgram, run, scratchFolder } from '../fixtures/programs.js';
import { gitKind } from './index.js';
import { sshKind } from '../ssh/index.js';
import { sshPublicKeyLine } from '../ssh/blob.js';
import { buildSshAuthRequest, buildSshSigRequest } from '../ssh/build.js';
import { buildGitRequest, embedGitSignature } from './build.js';
import { parseGitObject } from './parse.js';
import { quoteText } from '../text/quote.js';

const kind = gitKind;
const key = ed25519Key('git', 'release');
const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const PARENT = 'a'.repeat(40);
const ALICE = 'Alice <alice@example.org> 1795286400 +0200';

interface Commit {
  tree?: string;
  parents?: readonly string[];
  author?: string;
  committer?: string;
  extra?: string;
  message?: string;
}

function commitText(change: Commit = {}): string {
  const parents = (change.parents ?? [PARENT]).map((id) => `parent ${id}\n`).join('');
  const people = `author ${change.author ?? ALICE}\ncommitter ${change.committer ?? ALICE}\n`;
  return `tree ${change.tree ?? TREE}\n${parents}${people}${change.extra ?? ''}\n${change.message ?? 'Fix the bridge\n'}`;
}

function tagText(
  change: { type?: string; name?: string; tagger?: string; extra?: string; message?: string } = {},
) {
  const tagger = change.tagger ?? `tagger ${ALICE}\n`;
  const head = `object ${PARENT}\ntype ${change.type ?? 'commit'}\ntag ${change.name ?? 'v1.0'}\n`;
  return `${head}${tagger}${change.extra ?? ''}\n${change.message ?? 'First release\n'}`;
}

function describeOf(object: string | Uint8Array) {
  const bytes = typeof object === 'string' ? encodeUtf8(object) : object;
  return kind.describe(kind.parse(buildGitRequest(bytes)), key.context);
}

function refusedWith(object: string | Uint8Array): string {
  const bytes = typeof object === 'string' ? encodeUtf8(object) : object;
  expect(outcome(() => buildGitRequest(bytes))).toBe(outcome(() => parseGitObject(bytes)));
  return outcome(() => kind.parse(concatBytes(Uint8Array.of(1), bytes)));
}

function signed(object: Uint8Array): Uint8Array {
  const typed = kind.parse(buildGitRequest(object));
  return kind.finish(typed, key.context, kind.tasks(typed, key.context).map(key.sign));
}

describe('a commit', () => {
  test('is told in one sentence and a table', () => {
    expect(describeOf(commitText({ message: 'Fix the bridge\n\nIt swayed.\n' }))).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "Author",
            "note": "2026-11-21 18:40:00 UTC, zone +0200",
            "value": "Alice <alice@example.org>",
          },
          {
            "label": "Committer",
            "note": "2026-11-21 18:40:00 UTC, zone +0200",
            "value": "Alice <alice@example.org>",
          },
          {
            "label": "Tree",
            "value": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
          },
          {
            "label": "Parent 1",
            "value": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          },
          {
            "label": "Message",
            "value": "“Fix the bridge\\n\\nIt swayed.”",
          },
          {
            "label": "Object",
            "note": "225 bytes",
            "value": "SHA-256 312c 0b9f a367 e3fa 669e e2aa 5fa7 39f0 5fec 6d36 be3e 5856 e35a 650e 29fc 81de",
          },
        ],
        "sentence": "Sign commit “Fix the bridge” by Alice <alice@example.org> of 2026-11-21 18:40:00 UTC, tree 4b825dc642cb…, 1 parent aaaaaaaaaaaa…, with release",
        "warnings": [],
      }
    `);
  });

  test('without parents says so; with many, names some and lists all', () => {
    expect(describeOf(commitText({ parents: [] })).sentence).toContain(', no parent, with release');
    const told = describeOf(commitText({ parents: Array.from({ length: 20 }, () => PARENT) }));
    expect(told.sentence).toContain(', 20 parents aaaaaaaaaaaa…');
    expect(told.rows.filter(({ label }) => label.startsWith('Parent'))).toHaveLength(20);
  });

  test('whose subject reorders the text or breaks the line shows every letter', () => {
    const told = describeOf(commitText({ message: 'Remove \u202edoor kcab\u202c”\u0007 by Bob\rx\n' }));
    expect(told.sentence).toMatch(
      /^Sign commit “Remove \\u\{202e\}door kcab\\u\{202c\}\\”\\u\{7\} by Bob\\rx” by Alice/,
    );
    expect(told.warnings.map(({ code }) => code)).toEqual(['HIDDEN_CHARACTERS']);
    const named = describeOf(commitText({ author: 'Al\u200bice <a@b> 1 +0000' }));
    expect(named.warnings.map(({ code }) => code)).toEqual(['HIDDEN_CHARACTERS']);
  });

  test('of SHA-256 repositories, with headers of other programs', () => {
    const told = describeOf(
      commitText({ tree: 'c'.repeat(64), extra: 'mergetag object x\n type commit\nchange-id abc\n' }),
    );
    expect(told.rows.at(-1)).toEqual({ label: 'Also', value: 'mergetag, change-id' });
  });

  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'GIT_OBJECT_MALFORMED'],
    ['no empty line', `tree ${TREE}\n`, 'GIT_OBJECT_MALFORMED'],
    ['only an empty line', '\n\n', 'GIT_OBJECT_MALFORMED'],
    ['the header git puts in front', `commit 5\u0000${commitText()}`, 'GIT_OBJECT_MALFORMED'],
    ['a NUL that hides the rest', commitText({ message: 'Fix\u0000 and break\n' }), 'GIT_OBJECT_MALFORMED'],
    ['a short tree', commitText({ tree: 'abc' }), 'GIT_OBJECT_MALFORMED'],
    ['an upper-case tree', commitText({ tree: TREE.toUpperCase() }), 'GIT_OBJECT_MALFORMED'],
    ['two trees', commitText({ parents: [`${PARENT}\ntree ${TREE}`] }), 'GIT_OBJECT_MALFORMED'],
    ['a tree after the people', commitText({ extra: `tree ${TREE}\n` }), 'GIT_OBJECT_MALFORMED'],
    ['a second author', commitText({ extra: `author ${ALICE}\n` }), 'GIT_OBJECT_MALFORMED'],
    ['no committer', commitText().replace(/^committer .*\n/m, ''), 'GIT_OBJECT_MALFORMED'],
    ['an author over two lines', commitText({ author: `Alice\n <a@b> 1 +0000` }), 'GIT_OBJECT_MALFORMED'],
    ['an author with two mails', commitText({ author: 'A <a@b> <c@d> 1 +0000' }), 'GIT_OBJECT_MALFORMED'],
    ['an author without a date', commitText({ author: 'A <a@b>' }), 'GIT_OBJECT_MALFORMED'],
    ['a date git would read otherwise', commitText({ author: 'A <a@b> 0x10 +0000' }), 'GIT_OBJECT_MALFORMED'],
    ['a date with leading zeros', commitText({ author: 'A <a@b> 010 +0000' }), 'GIT_OBJECT_MALFORMED'],
    ['a carriage return in a header', commitText({ author: 'A\r <a@b> 1 +0000' }), 'GIT_OBJECT_MALFORMED'],
    ['a header that starts with a space', ` ${commitText()}`, 'GIT_OBJECT_MALFORMED'],
    ['a header without a value', commitText({ extra: 'change-id\n' }), 'GIT_OBJECT_MALFORMED'],
    [
      'too many parents',
      commitText({ parents: Array.from({ length: 65 }, () => PARENT) }),
      'GIT_OBJECT_MALFORMED',
    ],
    ['too many headers', commitText({ extra: 'x y\n'.repeat(300) }), 'GIT_OBJECT_MALFORMED'],
    ['a signature', commitText({ extra: 'gpgsig -----BEGIN\n x\n' }), 'GIT_ALREADY_SIGNED'],
    ['a signature for SHA-256', commitText({ extra: 'gpgsig-sha256 x\n' }), 'GIT_ALREADY_SIGNED'],
    ['another encoding', commitText({ extra: 'encoding UTF-7\n' }), 'GIT_ENCODING_UNSUPPORTED'],
    ['two encodings', commitText({ extra: 'encoding UTF-8\nencoding UTF-8\n' }), 'GIT_OBJECT_MALFORMED'],
  ])('with %s is refused', (_, object, code) => {
    expect(refusedWith(object)).toBe(code);
  });
});

describe('a tag', () => {
  test('is told in one sentence and a table', () => {
    expect(describeOf(tagText())).toMatchInlineSnapshot(`
      {
        "blind": false,
        "rows": [
          {
            "label": "Tag",
            "value": "“v1.0”",
          },
          {
            "label": "On",
            "note": "commit",
            "value": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          },
          {
            "label": "Tagger",
            "note": "2026-11-21 18:40:00 UTC, zone +0200",
            "value": "Alice <alice@example.org>",
          },
          {
            "label": "Message",
            "value": "“First release”",
          },
          {
            "label": "Object",
            "note": "134 bytes",
            "value": "SHA-256 01f6 6e4a 5cb4 e0ef ca64 1dae 9afb c51f ff30 4ba6 e1bc d256 2a6f 3361 1a41 d4ba",
          },
        ],
        "sentence": "Sign tag “v1.0” on commit aaaaaaaaaaaa… by Alice <alice@example.org> of 2026-11-21 18:40:00 UTC, message “First release”, with release",
        "warnings": [],
      }
    `);
  });

  test.each<[string, string, string]>([
    ['an unknown type', tagText({ type: 'branch' }), 'GIT_OBJECT_MALFORMED'],
    ['no tagger', tagText({ tagger: '' }), 'GIT_OBJECT_MALFORMED'],
    ['a header no tag has', tagText({ extra: 'change-id x\n' }), 'GIT_OBJECT_MALFORMED'],
    [
      'no last newline: its signature would not start a line',
      tagText({ message: 'x' }),
      'GIT_TAG_UNTERMINATED',
    ],
    [
      'a signature inside, where git would cut it off',
      tagText({ message: 'x\n-----BEGIN SSH SIGNATURE-----\n' }),
      'GIT_ALREADY_SIGNED',
    ],
    [
      'a PGP signature inside',
      tagText({ message: '-----BEGIN PGP SIGNATURE-----\nx\n' }),
      'GIT_ALREADY_SIGNED',
    ],
  ])('with %s is refused', (_, object, code) => {
    expect(refusedWith(object)).toBe(code);
  });
});

/** Their first paragraph, in whatever way it is written, is the subject. */
const MESSAGES = [
  'Fix typo\nand give mallory the root key\n\nbody\n',
  '\n\nFix\nthe bridge\n',
  'Fix the bridge  \n  \nbody\n',
  'Fix\r\nthe bridge\r\n\r\nbody\r\n',
  ' \n\nFix the bridge\n',
  'Fix\n  the bridge\n\tat once\n\nbody\n',
  'Fix \u00a0\n\u00a0\nthe bridge\n\nbody\n',
  `${'Fix the bridge\n'.repeat(20)}\nbody\n`,
];

describe.skipIf(!hasProgram('git', '--version') || !hasProgram('ssh-keygen', '-?'))('git itself', () => {
  function repository() {
    const folder = scratchFolder();
    const git = (args: readonly string[], input?: Uint8Array) =>
      run(folder, 'git', args, {
        ...(input === undefined ? {} : { input }),
        env: {
          GIT_AUTHOR_NAME: 'Alice',
          GIT_AUTHOR_EMAIL: 'alice@example.org',
          GIT_COMMITTER_NAME: 'Alice',
          GIT_COMMITTER_EMAIL: 'alice@example.org',
        },
      }).trim();
    git(['init', '-q']);
    writeFileSync(
      join(folder, 'allowed'),
      `alice@example.org ${sshPublicKeyLine(key.context.public.groupKey)}\n`,
    );
    git(['config', 'gpg.ssh.allowedSignersFile', 'allowed']);
    git(['config', 'gpg.format', 'ssh']);
    return git;
  }

  function writeAll(git: ReturnType<typeof repository>, type: string, objects: readonly string[]): string[] {
    const folder = scratchFolder();
    const files = objects.map((_, at) => join(folder, String(at)));
    for (const [at, object] of objects.entries()) writeFileSync(files[at]!, object);
    return git(['hash-object', '-t', type, '-w', ...files]).split('\n');
  }

  test('accepts a signed commit, and refuses it with another message', () => {
    const git = repository();
    const tree = git(['write-tree']);
    const commit = git(['commit-tree', tree, '-m', 'Grüße “from” afar', '-m', 'body']);
    const object = Buffer.from(`${git(['cat-file', 'commit', commit])}\n`);
    const complete = embedGitSignature(object, signed(object));
    const id = git(['hash-object', '-t', 'commit', '-w', '--stdin'], complete);
    expect(git(['log', '-1', '--format=%G? %GS %s', id])).toBe('G alice@example.org Grüße “from” afar');
    git(['verify-commit', id]);
    const forged = Buffer.from(complete);
    forged[forged.length - 2]! ^= 1;
    const forgedId = git(['hash-object', '-t', 'commit', '-w', '--stdin'], forged);
    expect(() => git(['verify-commit', forgedId])).toThrow(/Command failed/);
  });

  test('accepts a signed tag', () => {
    const git = repository();
    const commit = git(['commit-tree', git(['write-tree']), '-m', 'one']);
    const object = encodeUtf8(tagText().replace(PARENT, commit));
    const id = git(['hash-object', '-t', 'tag', '-w', '--stdin'], embedGitSignature(object, signed(object)));
    git(['update-ref', 'refs/tags/v1.0', id]);
    git(['verify-tag', 'v1.0']);
    expect(git(['tag', '-l', '--format=%(contents:subject)', 'v1.0'])).toBe('First release');
  });

  test('says the same subject as we do, whatever the first lines of a message hold', () => {
    const git = repository();
    const tree = git(['write-tree']);
    const commits = MESSAGES.map((message) => commitText({ tree, parents: [], message }));
    const ids = writeAll(git, 'commit', commits);
    const ofCommits = git(['log', '--no-walk=unsorted', '--format=<%s>', ...ids]).split('\n');
    const tags = MESSAGES.map((message, at) => tagText({ name: `v${at}`, message }).replace(PARENT, ids[0]!));
    const refs = writeAll(git, 'tag', tags).map((id, at) => `create refs/tags/v${at} ${id}\n`);
    git(['update-ref', '--stdin'], encodeUtf8(refs.join('')));
    const ofTags = git(['for-each-ref', '--format=<%(contents:subject)>', 'refs/tags']).split('\n');
    const quoted = (shown: string | undefined) => quoteText(shown!.slice(1, -1), 100);
    for (const [at, message] of MESSAGES.entries()) {
      const told = describeOf(commits[at]!).sentence;
      expect(told, message).toContain(`Sign commit ${quoted(ofCommits[at])} by Alice`);
      expect(describeOf(tags[at]!).sentence, message).toContain(`, message ${quoted(ofTags[at])}, with`);
    }
  });

  test('hands its signing program the bytes that we describe and sign', () => {
    const git = repository();
    const commit = git(['commit-tree', git(['write-tree']), '-m', 'one']);
    const object = Buffer.from(`${git(['cat-file', 'commit', commit])}\n`);
    expect(describeOf(object).sentence).toContain('Sign commit “one” by Alice <alice@example.org>');
  });
});

test('a name cannot continue our sentence', () => {
  const author = 'Alice of 2020-01-01 00:00:00 UTC, tree aaaa, no parent, with release; <a b@c> 1 +0000';
  const told = describeOf(commitText({ author }));
  expect(told.sentence).toMatch(
    / by “Alice of 2020-01-01 00:00:00 UTC”… \(69 characters, SHA-256 [0-9a-f ]{79}\) <“a b@c”> of 1970/,
  );
});

describe('V16: which keys sign commits', () => {
  const typed = kind.parse(buildGitRequest(encodeUtf8(commitText())));

  test('one made for ssh does, as people use one key for both', () => {
    const both = ed25519Key('ssh', 'laptop');
    const tasks = kind.tasks(typed, both.context);
    const armored = kind.finish(typed, both.context, tasks.map(both.sign));
    expect(decodeUtf8(armored)).toContain('BEGIN SSH SIGNATURE');
  });

  test('one made for messages does not, and one made for git logs in nowhere', () => {
    const message = ed25519Key('message').context;
    expect(outcome(() => kind.tasks(typed, message))).toBe('REQUEST_KIND_NOT_FOR_KEY');
    const ssh = sshKind;
    const signature = ssh.parse(buildSshSigRequest({ namespace: 'file', message: encodeUtf8('hello') }));
    expect(outcome(() => ssh.tasks(signature, key.context))).toBe('REQUEST_KIND_NOT_FOR_KEY');
  });

  test('a commit that is signed is no login, whatever it says', () => {
    const [task] = frostTasks(kind.tasks(typed, key.context));
    expect(outcome(() => buildSshAuthRequest(task!.message))).toBe('SSH_CHALLENGE_MALFORMED');
  });
});
