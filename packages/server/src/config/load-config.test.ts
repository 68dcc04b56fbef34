import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readEnv } from './env.js';
import { parseConfig, toConfig } from './load-config.js';

const configured = (variables: Record<string, string>, settings: object = {}) =>
  toConfig('/nowhere', { name: 'alpha', ...settings }, readEnv(variables));

/** What is refused, in all its parts. */
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    return inspect(error, { depth: 10 });
  }
  return 'not refused';
}

describe('a setting from the environment', () => {
  test.each([
    ['1', true],
    ['true', true],
    ['0', false],
    ['false', false],
    ['', false],
  ])('CKM_TRUST_PROXY=%s means %s', (text, expected) => {
    expect(configured({ CKM_TRUST_PROXY: text }).trustProxy).toBe(expected);
  });

  test.each(['yes', 'no', 'TRUE', 'on', ' 1'])(
    'CKM_TRUST_PROXY=%s is refused rather than taken for no',
    (text) => {
      expect(refusal(() => configured({ CKM_TRUST_PROXY: text }))).toMatch(
        /CONFIG_INVALID[\s\S]*CKM_TRUST_PROXY/,
      );
    },
  );

  test.each([
    'postgres://ckm:canary#1@127.0.0.1/ckm',
    'postgres://ckm:canary/2@127.0.0.1/ckm',
    'mysql://ckm:canary@127.0.0.1/ckm',
    'canary',
  ])('what is not a database address is refused without a word of it: %s', (text) => {
    const refused = refusal(() => configured({ CKM_DATABASE_URL: text }));
    expect(refused).toContain('CONFIG_INVALID');
    expect(refused).not.toContain('canary');
  });

  test.each([
    'postgres://ckm:pass%23word@127.0.0.1:5432/ckm',
    'postgresql://ckm@[::1]/ckm?sslmode=require',
    'postgres://ckm@/ckm?host=%2Fvar%2Frun%2Fpostgresql',
    'postgres:///ckm',
  ])('a database address as PostgreSQL has them is taken: %s', (text) => {
    expect(configured({ CKM_DATABASE_URL: text }).databaseUrl).toBe(text);
  });
});

describe('the address that owners use', () => {
  test.each([
    ['https://alpha.example', 'https://alpha.example'],
    ['https://alpha.example/', 'https://alpha.example'],
    ['https://example.org:8443/keys/alpha/', 'https://example.org:8443/keys/alpha'],
    ['http://[::1]:8470', 'http://[::1]:8470'],
  ])('may have a path: %s', (text, expected) => {
    expect(configured({ CKM_PUBLIC_URL: text }).publicUrl).toBe(expected);
  });

  test.each([
    'ftp://alpha',
    'https://',
    'https://me@alpha.example',
    'https://alpha.example?x',
    'https://alpha.example/#x',
    'https://alpha.example/a b',
    'https://alpha.example/\u202e',
  ])('is refused with anything else: %s', (text) => {
    expect(refusal(() => configured({ CKM_PUBLIC_URL: text }))).toMatch(/CONFIG_INVALID[\s\S]*publicUrl/);
  });
});

describe('a setting that cannot be used is named in words of ours, with what it may be', () => {
  test.each([
    [{ quotta: {} }, 'quotta: there is no such setting', /did you mean quota\?$/],
    [{ limits: { bodi: 5 } }, 'limits.bodi: there is no such setting', /did you mean limits\.body\?$/],
    [{ colour: 'red' }, 'colour: there is no such setting', /docs\/settings\.md has all that there are$/],
    [
      { limits: { body: 5 } },
      'limits.body: expected a whole number, 16,384 to 16,777,216',
      /limits\.body in config\.json$/,
    ],
    [{ accounts: 'anyone' }, 'accounts: expected open, invite, closed', /accounts in config\.json$/],
    [{ trustProxy: 'yes' }, 'trustProxy: expected true, false', /trustProxy in config\.json$/],
    [{ name: '' }, 'name: is empty', /name in config\.json$/],
    [
      { publicUrl: 'alpha' },
      'publicUrl: expected http(s)://host[:port][/path]',
      /publicUrl in config\.json$/,
    ],
  ])('%j', (settings, message, hint) => {
    expect(() => configured({}, settings)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message, hint: expect.stringMatching(hint) }),
    );
  });

  test('and a file that holds no settings at all is', () => {
    expect(() => toConfig('/nowhere', [], readEnv({}))).toThrow(
      expect.objectContaining({
        message: 'config.json: expected an object, such as {"name": "alpha"}',
        hint: 'correct config.json',
      }),
    );
  });
});

describe('a config.json that cannot be read says where', () => {
  const parse = (text: string) => parseConfig('/nowhere', text, readEnv({}));

  test.each([
    ['{\n  "name": "alpha",\n}', 'config.json is not JSON: look at line 3, column 1, or just before'],
    ['{ // mine\n "name": "alpha" }', 'config.json is not JSON: look at line 1, column 3, or just before'],
    ['', 'config.json is empty'],
    ['{"name": ', 'config.json is not JSON: it ends too early'],
    ['{"name": "alpha", "name": "bravo"}', 'config.json has "name" twice'],
    ['{"name": "alpha", "limits": {"body": 20000, "body": 30000}}', 'config.json has "body" twice'],
  ])('%j', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message }));
  });

  test.each([
    ['\ufeff{"name": "alpha"}'],
    ['{"name": "alpha", "quota": {"bytes": 5}, "limits": {"accounts": 5}}'],
    ['{"name": "al\\"pha: {", "notify": {"command": ["/bin/x", "a", "a"]}}'],
  ])('and one that is good is read: %j', (text) => {
    expect(parse(text).name).toMatch(/^al/);
  });
});
