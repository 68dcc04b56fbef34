import { concatBytes, encodeUtf8 } from '@ckm/foundation';
import { describe, expect, test } from 'vitest';
import { costByLength } from '../cost.js';
import { demand } from '../errors.js';
import { forKeysMadeForIt } from '../fits.js';
import { ed25519Key } from '../fixtures/keys.js';
import { outcome } from '../fixtures/outcome.js';
import { gitKind } from '../git/index.js';
import type { RequestKind } from '../kind.js';
import { verifySignature } from '@ckm/threshold';
import { sshKind } from '../ssh/index.js';
import { frostTask } from '../task.js';
import { theOneSignature } from '../verify/one-signature.js';
import { createRegistry, knownKind } from './create-registry.js';

const POEM = encodeUtf8('poem:');

/** A kind that no version has: lines of a poem, signed behind a tag of their own. */
const poemKind: RequestKind<{ readonly lines: string }> = forKeysMadeForIt({
  name: 'poem',
  alsoFor: ['ssh'],
  suites: ['ed25519'],
  publicForm: ({ name = '' }) => ({ form: 'poet', value: name, rows: [{ label: 'Poet', value: name }] }),
  showArtefact: (artefact) => ({ text: `${artefact.length} bytes`, more: { bytes: artefact.length } }),
  form: {
    fields: [{ name: 'poem', takes: 'file', what: 'lines of a poem', role: 'content' }],
    takesAnyContent: false,
    mostContentBytes: 100,
    build: (content) => content,
  },
  maxBytes: 100,
  factTypes: { lines: { is: 'sats', noun: 'length' } },
  cost: costByLength,
  parse: (payload) => {
    demand(payload.length > 0, 'PAYLOAD_MALFORMED', 'a poem has a line');
    return { lines: new TextDecoder().decode(payload) };
  },
  describe: ({ lines }) => ({ sentence: `Sign the poem “${lines}”.`, rows: [], warnings: [], blind: false }),
  tasks: ({ lines }) => [frostTask(concatBytes(POEM, encodeUtf8(lines)), { path: [], taproot: null })],
  finish: ({ lines }, key, results) => theOneSignature(key, concatBytes(POEM, encodeUtf8(lines)), results),
  verify: ({ lines }, { suite, public: { groupKey } }, artefact) =>
    verifySignature(suite, groupKey, concatBytes(POEM, encodeUtf8(lines)), artefact),
  facts: ({ lines }) => ({ lines: lines.length }),
});

const registry = createRegistry([knownKind(sshKind), knownKind(gitKind), knownKind(poemKind)]);

describe('a kind that is one folder and one line', () => {
  const { context } = ed25519Key('poem');
  const payload = encodeUtf8('roses are red');

  test('is found by its name, and named where another is not known', () => {
    expect(registry.names).toEqual(['ssh', 'git', 'poem']);
    expect(registry.kind('poem').maxBytes).toBe(100);
    expect(() => registry.kind('prose')).toThrow(
      expect.objectContaining({ code: 'REQUEST_KIND_UNKNOWN', hint: 'use one of ssh, git, poem' }),
    );
  });

  test('is a purpose of keys, with a suite, and answers also for keys of the purposes it names', () => {
    expect([registry.purposeSuite('poem'), registry.purposeKinds('poem')]).toEqual(['ed25519', ['poem']]);
    expect(registry.purposeKinds('ssh')).toEqual(['ssh', 'git', 'poem']);
    expect(registry.purposeKinds('git')).toEqual(['git']);
    expect(outcome(() => registry.purposeKinds('message'))).toBe('PURPOSE_UNKNOWN');
    expect(outcome(() => registry.purposeUsesChildren('message'))).toBe('PURPOSE_UNKNOWN');
  });

  test('is described and taken apart for the keys made for it, and for no other', () => {
    const parsed = registry.kind('poem').parse(payload);
    expect(parsed.describe(context).sentence).toBe('Sign the poem “roses are red”.');
    expect(parsed.tasks(context)).toHaveLength(1);
    expect(parsed.facts(context)).toEqual({ lines: 13, kind: ['poem'] });
    expect(Object.keys(registry.kind('poem').factTypes)).toEqual(['lines', 'kind']);
    expect(parsed.tasks(ed25519Key('ssh').context)).toHaveLength(1);
    for (const purpose of ['git', 'message']) {
      const other = ed25519Key(purpose).context;
      expect(outcome(() => parsed.tasks(other))).toBe('REQUEST_KIND_NOT_FOR_KEY');
      expect(outcome(() => parsed.describe(other))).toBe('REQUEST_KIND_NOT_FOR_KEY');
      expect(outcome(() => parsed.facts(other))).toBe('REQUEST_KIND_NOT_FOR_KEY');
    }
  });

  test('checks its signature, and shows artefact and public key in its own form', () => {
    const key = ed25519Key('poem');
    const parsed = registry.kind('poem').parse(payload);
    const results = parsed.tasks(key.context).map(key.sign);
    expect(parsed.finish(key.context, results)).toHaveLength(64);
    const wrong = [{ craft: 'frost' as const, signature: new Uint8Array(64) }];
    expect(outcome(() => parsed.finish(key.context, wrong))).toBe('SIGNATURE_INVALID');
    expect(registry.kind('poem').showArtefact(new Uint8Array(64)).more).toEqual({ bytes: 64 });
    expect(registry.publicForm({ ...key.context, name: 'ode' }).value).toBe('ode');
  });

  test('a key of a purpose that nobody knows is shown in hex', () => {
    const { context: unknown } = ed25519Key('prose');
    expect(registry.publicForm(unknown)).toMatchObject({
      form: 'hex',
      value: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });
});
