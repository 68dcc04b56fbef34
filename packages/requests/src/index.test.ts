import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ed25519Key } from './fixtures/keys.js';
import { outcome } from './fixtures/outcome.js';
import * as surface from './index.js';

const { purposeKinds, purposeSuite, purposeUsesChildren, REQUEST_ERRORS, REQUEST_KIND_NAMES, requestKind } =
  surface;

test('the public surface grows only on purpose', () => {
  expect(Object.keys(surface).sort()).toMatchInlineSnapshot(`
    [
      "DERIVE",
      "DERIVED_FOR",
      "DRILL",
      "MAX_SENTENCE",
      "MAX_SIGNATURES",
      "REQUEST_ERRORS",
      "REQUEST_FACTS",
      "REQUEST_FIELDS",
      "REQUEST_KIND_NAMES",
      "bitcoinAddress",
      "bitcoinDescriptor",
      "bitcoinKind",
      "bitcoinXpub",
      "buildBitcoinRequest",
      "buildDeriveRequest",
      "buildDrillRequest",
      "buildGitRequest",
      "buildMessageRequest",
      "buildSshAgentRequest",
      "buildSshAuthRequest",
      "buildSshSigRequest",
      "createRegistry",
      "decodeLabel",
      "embedGitSignature",
      "encodeLabel",
      "escapeText",
      "finalizeTransaction",
      "formatLabel",
      "frostResults",
      "frostTask",
      "frostTasks",
      "gitKind",
      "inputsLeftToOthers",
      "isSingleKey",
      "keyFingerprint",
      "knownKind",
      "messageKind",
      "messageToSign",
      "parseLabel",
      "publicForm",
      "purposeGivesSecrets",
      "purposeKinds",
      "purposeSuite",
      "purposeUsesChildren",
      "quoteText",
      "readWif",
      "refusalOfOpen",
      "requestKind",
      "scriptHashOf",
      "splitGitSignature",
      "sshFingerprint",
      "sshKind",
      "sshPublicKeyBlob",
      "sshPublicKeyLine",
      "sshSignatureBlob",
      "sshSignatureBlobOf",
      "transactionIn",
      "transactionState",
      "verifySignature",
    ]
  `);
});

describe('a kind', () => {
  test('requestKind finds each kind by its name', () => {
    for (const name of REQUEST_KIND_NAMES) expect(requestKind(name).name).toBe(name);
  });

  test('V10: is not found by the names every object has', () => {
    for (const name of ['', 'constructor', '__proto__', 'toString', 'Message', 'message ']) {
      expect(outcome(() => requestKind(name))).toBe('REQUEST_KIND_UNKNOWN');
    }
  });

  test('a parsed request keeps to what was parsed: nothing that is changed afterwards reaches the digest', () => {
    const payload = surface.buildMessageRequest({ domain: '', bytes: new TextEncoder().encode('hello') });
    const { context } = ed25519Key('message');
    const parsed = requestKind('message').parse(payload);
    const before = parsed.tasks(context);
    expect(Object.isFrozen(parsed)).toBe(true);
    expect(Object.keys(parsed)).toEqual([
      'kind',
      'describe',
      'doubts',
      'tasks',
      'finish',
      'verify',
      'details',
      'spends',
      'facts',
    ]);
    payload.fill(0);
    expect(parsed.tasks(context)).toEqual(before);
  });
});

describe('the fields of a kind', () => {
  const forms = REQUEST_KIND_NAMES.map((name) => requestKind(name).form);

  test('REQUEST_FIELDS holds those of every kind, in its order', () => {
    expect(Object.keys(surface.REQUEST_FIELDS)).toEqual(REQUEST_KIND_NAMES);
    expect(Object.values(surface.REQUEST_FIELDS)).toEqual(forms.map(({ fields }) => fields));
  });

  test('have a name that no other field has, and exclude a field of their own kind', () => {
    const names = forms.flatMap(({ fields }) => fields.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    for (const { fields } of forms) {
      const own = [undefined, ...fields.map(({ name }) => name)];
      for (const { excludes } of fields) expect(own).toContain(excludes);
    }
  });

  test('leave content that nothing claims to one kind, and each other kind that signs can be chosen', () => {
    expect(forms.filter(({ takesAnyContent }) => takesAnyContent)).toHaveLength(1);
    const signing = REQUEST_KIND_NAMES.map(requestKind).filter((kind) => kind.resultIsSecret !== true);
    expect(signing).toHaveLength(4);
    for (const {
      form: { fields, takesAnyContent },
    } of signing) {
      const chooses = fields.some(({ role }) => role === 'content' || role === 'kind');
      expect(takesAnyContent || chooses).toBe(true);
    }
  });
});

describe('a purpose', () => {
  test('has its kinds and its suite', () => {
    expect(REQUEST_KIND_NAMES.map((name) => [name, purposeSuite(name), purposeKinds(name)])).toEqual([
      ['message', 'ed25519', ['message']],
      ['bitcoin', 'secp256k1-tr', ['bitcoin']],
      ['ssh', 'ed25519', ['ssh', 'git']],
      ['git', 'ed25519', ['git']],
      ['derive', 'ristretto255', ['derive']],
    ]);
  });

  test('for Bitcoin alone uses children of its keys', () => {
    expect(REQUEST_KIND_NAMES.filter((name) => purposeUsesChildren(name))).toEqual(['bitcoin']);
  });

  test('that nobody knows is refused', () => {
    for (const purpose of ['', 'ethereum', '__proto__']) {
      expect(outcome(() => purposeKinds(purpose))).toBe('PURPOSE_UNKNOWN');
      expect(outcome(() => purposeSuite(purpose))).toBe('PURPOSE_UNKNOWN');
    }
  });
});

describe('every code of a refusal', () => {
  const sources = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sources(path);
      return entry.name.endsWith('.ts') && entry.name !== 'errors.ts' ? [readFileSync(path, 'utf8')] : [];
    });
  const tests = sources(import.meta.dirname).filter((text) => text.includes("from 'vitest'"));
  const code = sources(import.meta.dirname).filter((text) => !text.includes("from 'vitest'"));

  test.each(Object.entries(REQUEST_ERRORS))(
    '%s is used, tried by a test, and says what to do',
    (name, hint) => {
      expect(code.some((text) => text.includes(`'${name}'`))).toBe(true);
      expect(tests.some((text) => text.includes(`'${name}'`))).toBe(true);
      expect(hint).toMatch(/^[a-z].*[^.]$/);
    },
  );
});
