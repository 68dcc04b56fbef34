// @module-tag long
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuthenticatorApp, authenticatorApp } from '../test/authenticator-app.js';
import { callCkm } from '../test/call-ckm.js';
import { makeOwner } from '../test/make-owner.js';
import { errorOf, type Outcome } from '../test/run-ckm.js';
import { openSetup, type Setup } from '../test/run-server.js';

/** docs/ways-back.md, command by command, each in the folder of whom the step names. What a person would type when asked is given by flags. */
const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/ways-back.md'), 'utf8');
const SERVERS = ['alpha', 'bravo', 'charlie'];

let setup: Setup;
/** Where files lie that go from one to the other. */
let table: string;
/** What the app has been given. */
let app: AuthenticatorApp;
/** What the owner was shown for the operator of charlie to note. */
let account: string;

beforeAll(async () => {
  setup = await openSetup();
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  await makeOwner(homeOf('Bob'));
}, 120_000);
afterAll(() => setup.close());

function homeOf(who: string): Readonly<Record<string, string>> {
  if (who === 'Owner') return setup.environment;
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, who.replace(' ', '-')) };
}

/** The six words that a command has shown. */
function likenessIn({ stdout }: Outcome): string {
  return (JSON.parse(stdout) as { readonly likeness: { readonly words: string } }).likeness.words;
}

/** A file with the code that the app shows. */
function codeFile(): string {
  const file = join(table, 'code');
  writeFileSync(file, app.code());
  return file;
}

/** What is typed besides what stands there, and what stands there in the place of what is meant. */
function argumentsOf(line: string, words: string): readonly string[] {
  const args = line.split(' ').slice(1);
  const given = args.map((one) => {
    const server = SERVERS.find((name) => one === `https://${name}.example`);
    return server === undefined ? one : setup.servers[server]!.url;
  });
  const at = (flag: string) => given.indexOf(flag) + 1;
  if (at('--app') > 0) given[at('--app')] = app.name;
  if (given[1] === 'recover' && given[0] === 'server') {
    given[2] = setup.folderOf('charlie');
    given[at('--account')] = account.slice(0, 8);
    given.push('--likeness', words);
  }
  const wantsCode = given.includes('--app') || (given[1] === 'verify' && given[3] === 'totp');
  return [...given, ...(wantsCode ? ['--code-file', codeFile()] : []), '--yes', '--json'];
}

test('each step of the page ends as it says, for the owner, a friend, the operator and a new folder', async () => {
  const steps = PAGE.split(/^\d+\. /m).slice(1);
  let words = '';
  const said: (readonly [string, Outcome])[] = [];
  for (const step of steps) {
    const who = /^\*\*([^:]+):\*\*/.exec(step)![1]!;
    for (const line of step.matchAll(/^ {3}(ckm .*)$/gm)) {
      const args = argumentsOf(line[1]!, words);
      const outcome = await callCkm([...args, '--timeout', '10'], { environment: homeOf(who), cwd: table });
      expect([line[1], outcome.status, outcome.status === 0 ? '' : outcome.stderr]).toEqual([line[1], 0, '']);
      // Bob is asked whether these were read to him: without them nobody could.
      if (line[1]!.startsWith('ckm contact vouch bob.request')) expect(likenessIn(outcome)).toBe(words);
      const json = JSON.parse(outcome.stdout) as {
        readonly uri?: string;
        readonly name?: string;
        readonly account?: string;
      };
      if (json.uri !== undefined) app = authenticatorApp(json.uri, json.name!);
      if (json.account !== undefined) account = json.account;
      if (/--request-out|contact set bravo xid/.test(line[1]!)) words = likenessIn(outcome);
      said.push([line[1]!, outcome]);
    }
  }
  const of = <T>(line: string): T => JSON.parse(said.find(([one]) => one.startsWith(line))![1].stdout) as T;
  type Shown = { readonly contacts: readonly { readonly server: string; readonly state: string }[] };
  expect(of<Shown>('ckm contact list').contacts.map(({ server, state }) => [server, state])).toEqual(
    SERVERS.map((name) => [name, 'inForce']),
  );
  type Case = { readonly case: { readonly state: string; readonly proofs: readonly string[] } };
  expect(of<Case>('ckm account recover alpha --url').case).toMatchObject({
    state: 'waiting',
    proofs: ['totp'],
  });
  expect(of<Case>('ckm account recover bravo --voucher').case).toMatchObject({ state: 'waiting' });
  type Cases = { readonly cases: readonly { readonly server: string; readonly state: string }[] };
  expect(of<Cases>('ckm account list').cases.map(({ server, state }) => [server, state])).toEqual(
    SERVERS.map((name) => [name, 'waiting']),
  );
  expect(of('ckm account veto bravo')).toMatchObject({ state: 'vetoed', vetoes: 1 });
  // A wrong code, and a name that nobody has, are one and the same to whoever asks.
  writeFileSync(join(table, 'wrong'), '00000000');
  const again = ['account', 'recover', 'alpha', '--code-file', join(table, 'wrong'), '--app'];
  const codes = [];
  for (const name of [app.name, '0123456789ab'])
    codes.push(
      errorOf(await callCkm([...again, name, '--json'], { environment: homeOf('New laptop') })).code,
    );
  expect(codes).toEqual(['RECOVERY_NOT_PROVEN', 'RECOVERY_NOT_PROVEN']);
}, 300_000);
