// @module-tag long
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeIn, startMailServer, type TestMailServer } from '@ckm/server/test';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { authenticatorApp } from '../test/authenticator-app.js';
import { callCkm } from '../test/call-ckm.js';
import { createMovedClock, type MovedClock } from '../test/moved-clock.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** Who stops whom, and who comes back, by commands alone. */
const PATIENTLY = { timeout: 30_000, interval: 50 };
const ADDRESS = 'alice@example.org';
const ONE_MINUTE = 1 / 1_440;

let mail: TestMailServer;
let clock: MovedClock;
let setup: Setup;
beforeEach(async () => {
  mail = await startMailServer();
  clock = createMovedClock();
  const settings = {
    mail: { host: '127.0.0.1', port: mail.port, tls: 'none', from: 'ckm@example.org' },
  } as const;
  setup = await openSetup({ clock, settings });
}, 120_000);
afterEach(async () => {
  await setup.close();
  await mail.close();
});

const fileOf = (name: string) => join(setup.scratch.path, name);
const homeOf = (name: string) => ({ ...setup.environment, CKM_HOME: fileOf(`home-${name}`) });
const as = (name: string, line: string): Promise<Outcome> =>
  callCkm([...line.split(' '), '--json', '--yes'], {
    environment: homeOf(name),
    cwd: setup.scratch.path,
    aheadMs: clock.aheadMs(),
  });
async function heard<T>(asked: Promise<Outcome>): Promise<T> {
  const outcome = await asked;
  expect([outcome.status, outcome.status === 0 ? '' : outcome.stderr]).toEqual([0, '']);
  return JSON.parse(outcome.stdout) as T;
}
const own = (line: string) => setup.ckm([...line.split(' '), '--json', '--yes'], { cwd: setup.scratch.path });

/** The n-th code that was sent, in a file; other messages come in between. */
async function typedCode(n: number): Promise<string> {
  const codes = () => mail.taken.flatMap(({ text }) => codeIn(text) ?? []);
  await vi.waitUntil(() => codes().length >= n, PATIENTLY);
  writeFileSync(fileOf('code'), codes()[n - 1]!);
  return fileOf('code');
}

test('an address is set, shown, and brings its owner back, with codes that came over SMTP, by commands alone; whoever reads it says no', async () => {
  const set = await heard<{ state: string }>(own(`contact set alpha mail --address ${ADDRESS} --delay 1`));
  expect(set.state).toBe('unverified');
  expect(errorOf(await own('contact verify alpha mail --code-file passphrase')).code).not.toBe('OK');
  const verified = await heard<{ state: string; name: string }>(
    own(`contact verify alpha mail --code-file ${await typedCode(1)}`),
  );
  expect(verified).toMatchObject({ state: 'inForce', name: ADDRESS });
  // A code of the same quarter of an hour is not taken twice.
  await clock.pass(30 * ONE_MINUTE);
  const { url } = setup.servers['alpha']!;
  await heard(as('new', `account recover alpha --url ${url} --mail ${ADDRESS}`));
  const code = await typedCode(2);
  const shown = `account recover alpha --mail ${ADDRESS} --code-file ${code}`;
  expect(await heard(as('new', shown))).toMatchObject({ case: { state: 'waiting', proofs: ['mail'] } });
  expect(errorOf(await as('new', shown)).code).toBe('RECOVERY_NOT_PROVEN');
  const isTold = ({ text }: { readonly text: string }) => text.includes('somebody wants an account back');
  await vi.waitUntil(() => mail.taken.some(isTold), PATIENTLY);
  // Somebody else who reads the mail stops it; two contacts would overrule that.
  await clock.pass(30 * ONE_MINUTE);
  await heard(as('other', `account recover alpha --url ${url} --mail ${ADDRESS}`));
  const no = `account recover alpha --mail ${ADDRESS} --code-file ${await typedCode(3)} --veto`;
  expect(await heard(as('other', no))).toMatchObject({ case: { state: 'vetoed', vetoes: 1 } });
  await clock.pass(8);
  await heard(as('new', `account recover alpha --mail ${ADDRESS}`));
  const again = `account recover alpha --mail ${ADDRESS} --code-file ${await typedCode(4)}`;
  expect(await heard(as('new', again))).toMatchObject({ case: { state: 'waiting' } });
  await clock.pass(1 + ONE_MINUTE);
  expect(await heard(as('new', 'account recover alpha --name found'))).toMatchObject({
    name: 'found',
    case: { state: 'done' },
  });
  expect(new Set(mail.taken.flatMap(({ to }) => to))).toEqual(new Set([ADDRESS]));
  // The words stay, and see who is there.
  expect(await own('device list')).toMatchObject({ status: 0 });
}, 300_000);

test('L9: whoever reads the mail of the owner, and is faster, keeps out by command nobody who has the app and stands before the operator', async () => {
  await heard(own(`contact set alpha mail --address ${ADDRESS} --delay 1`));
  await heard(own(`contact verify alpha mail --code-file ${await typedCode(1)}`));
  const { account } = await heard<{ account: string }>(own('contact set alpha operator --delay 1'));
  const set = await heard<{ uri: string; name: string }>(own('contact set alpha totp --delay 1'));
  const app = authenticatorApp(set.uri, set.name, () => clock.now());
  const appCode = () => {
    writeFileSync(fileOf('code'), app.code());
    return fileOf('code');
  };
  await heard(own(`contact verify alpha totp --code-file ${appCode()}`));
  await clock.pass(30 * ONE_MINUTE);
  const { url } = setup.servers['alpha']!;
  await heard(as('thief', `account recover alpha --url ${url} --mail ${ADDRESS}`));
  const first = `account recover alpha --mail ${ADDRESS} --code-file ${await typedCode(2)}`;
  expect(await heard(as('thief', first))).toMatchObject({ case: { state: 'waiting' } });

  const mine = `account recover alpha --url ${url} --app ${set.name} --code-file ${appCode()}`;
  const other = await as('new', mine);
  expect([other.status, errorOf(other).code]).toEqual([75, 'RECOVERY_OTHER']);
  const { likeness } = await heard<{ likeness: { words: string } }>(
    as('new', 'account recover alpha --request-out new.request'),
  );
  const desk = [
    'server',
    'recover',
    setup.folderOf('alpha'),
    'new.request',
    '--account',
    account.slice(0, 8),
  ];
  const options = { cwd: setup.scratch.path };
  expect(await setup.ckm([...desk, '--likeness', likeness.words, '--yes'], options)).toMatchObject({
    status: 0,
  });
  expect(await heard(as('new', 'account recover alpha'))).toMatchObject({
    case: { state: 'waiting', proofs: ['totp', 'operator'] },
  });
  expect(await heard(as('thief', 'account recover alpha'))).toMatchObject({ case: { state: 'vetoed' } });
  await clock.pass(1 + ONE_MINUTE);
  expect(await heard(as('new', 'account recover alpha --name found'))).toMatchObject({
    case: { state: 'done' },
  });
}, 300_000);

test('L9: a device that another one has removed freezes a key and says no to a recovery by command, and does nothing else', async () => {
  await heard(own('key create notes --for message --quorum 2of3 --servers alpha,bravo,charlie'));
  const { account } = await heard<{ account: string }>(own('contact set alpha operator --delay 1'));
  await heard(own('device join --home home-phone --name phone --offer-out phone.offer'));
  await heard(own('device add phone.offer --may manage --welcome-out phone.welcome'));
  await heard(as('phone', 'device join --welcome phone.welcome'));
  await heard(own('seed backup --out words'));
  await heard(own('seed forget --name laptop --from words'));
  await clock.pass(31);
  // The laptop is in wrong hands.
  await heard(own('device remove phone'));
  expect((await as('phone', 'sign notes --message no')).status).not.toBe(0);
  const frozen = await as('phone', 'freeze notes');
  expect([frozen.status, frozen.stderr]).toEqual([0, '']);
  expect(errorOf(await own('sign notes --message stopped')).code).toBe('POLICY_KEY_FROZEN');
  const { url } = setup.servers['alpha']!;
  const { likeness } = await heard<{ likeness: { words: string } }>(
    as('thief', `account recover alpha --url ${url} --request-out thief.request`),
  );
  const desk = [
    'server',
    'recover',
    setup.folderOf('alpha'),
    'thief.request',
    '--account',
    account.slice(0, 8),
  ];
  const options = { cwd: setup.scratch.path };
  expect(await setup.ckm([...desk, '--likeness', likeness.words, '--yes'], options)).toMatchObject({
    status: 0,
  });
  expect(await heard(as('thief', 'account recover alpha'))).toMatchObject({ case: { state: 'waiting' } });
  // The operator in person overrules a device; its no is heard, and the case waits from its beginning.
  expect(await heard(as('phone', 'account veto alpha'))).toMatchObject({ vetoes: 1 });
}, 300_000);
