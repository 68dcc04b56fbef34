import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, type Scratch, scratchFolder } from '../test/run-ckm.js';

let scratch: Scratch;
let folder: string;

beforeEach(async () => {
  scratch = scratchFolder();
  folder = `${scratch.path}/alpha`;
  await callCkm(['server', 'init', folder, '--name', 'alpha', '--listen', '127.0.0.1:8470']);
});
afterEach(() => scratch.remove());

const config = (word: string, ...flags: string[]) => callCkm(['server', 'config', word, folder, ...flags]);

function change(settings: object): void {
  const file = `${folder}/config.json`;
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...settings }));
}

test('ckm server config check says that a configuration is good, without starting anything', async () => {
  expect((await config('check')).stdout).toBe(
    'the settings of alpha are good: http://127.0.0.1:8470, accounts invite\n',
  );
});

const MAIL = { host: 'mail.example.org', from: 'ckm@example.org', to: 'you@example.org' };

test.each([
  ['a misspelt name', { quotta: {} }, /quotta/],
  ['a value that is out of range', { quota: { keys: -1 } }, /quota\.keys/],
  ['a certificate that is not there', { tls: { certificateFile: '/nowhere', keyFile: '/nowhere' } }, /TLS/],
  ['a program that is not there', { notify: { command: ['/nowhere/notice'] } }, /notify\.command/],
  ['a program without its path', { notify: { command: ['notice'] } }, /notify\.command/],
  ['a webhook without TLS', { notify: { webhook: { url: 'http://example.org/x' } } }, /notify\.webhook\.url/],
  [
    'a webhook with a user name',
    { notify: { webhook: { url: 'https://a:b@example.org/x' } } },
    /webhook\.url/,
  ],
  [
    'a secret that is not there',
    { notify: { webhook: { url: 'https://example.org/x', secretFile: '/nowhere' } } },
    /secretFile/,
  ],
  ['mail without TLS to another machine', { mail: { ...MAIL, tls: 'none' } }, /mail\.tls/],
  ['mail with a user without a password', { mail: { ...MAIL, user: 'ckm' } }, /mail\.passwordFile/],
  [
    'an address with a line of its own',
    { mail: { ...MAIL, to: 'a@b.example\nBcc: c@d.example' } },
    /mail\.to/,
  ],
  [
    'a password that is not there',
    { mail: { ...MAIL, user: 'ckm', passwordFile: '/nowhere' } },
    /mail\.passwordFile/,
  ],
  ['an authority of mail that is not there', { mail: { ...MAIL, caFile: '/nowhere' } }, /mail\.caFile/],
  ['a folder of epoch keys that is not there', { epochKeys: '/nowhere/keys' }, /epochKeys/],
])('ckm server config check names %s', async (_what, settings, named) => {
  change(settings);
  const refused = await config('check');
  expect([refused.status, errorOf(refused).code]).toEqual([64, 'CONFIG_INVALID']);
  expect(errorOf(refused).message).toMatch(named);
});

test('of a file that holds no settings at all the hint names the file once', async () => {
  writeFileSync(`${folder}/config.json`, '[]');
  const { code, hint } = errorOf(await config('check'));
  expect([code, hint.match(/config\.json/g)]).toEqual(['CONFIG_INVALID', ['config.json']]);
});

test('ckm server config show has every setting, its value, and where that comes from', async () => {
  change({ policy: { approval: 'operator' }, notify: { webhook: { url: 'https://example.org/canary' } } });
  const shown = await callCkm(['server', 'config', 'show', folder], {
    environment: { CKM_LOG_LEVEL: 'warn' },
  });
  expect(shown.stdout).toMatch(/^name +"alpha" +config\.json$/m);
  expect(shown.stdout).toMatch(/^policy\.approval +"operator" +config\.json$/m);
  expect(shown.stdout).toMatch(/^log\.level +"warn" +CKM_LOG_LEVEL$/m);
  expect(shown.stdout).toMatch(/^notify\.everySeconds +60 +default$/m);
  // Whoever knows the path may send there.
  expect(shown.stdout).toContain('"https://example.org/…"');
  expect(shown.stdout).not.toContain('canary');
});
