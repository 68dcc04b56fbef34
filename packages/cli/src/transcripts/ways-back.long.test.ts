// @module-tag long
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMON_TOTP, totpOf } from '@ckm/api';
import { secret } from '@ckm/foundation';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
let app: { readonly name: string; readonly shared: Uint8Array };

beforeAll(async () => {
  setup = await openSetup();
  table = join(setup.scratch.path, 'table');
  mkdirSync(table);
  const urls = Object.fromEntries(SERVERS.map((name) => [name, setup.servers[name]!.url]));
  await makeOwner(homeOf('Owner'), urls);
  await makeOwner(homeOf('Bob'));
}, 120_000);
afterAll(() => setup.close());

function homeOf(who: string): Readonly<Record<string, string>> {
  return { ...setup.environment, CKM_HOME: join(setup.scratch.path, who.replace(' ', '-')) };
}

/** Source: RFC 4648 §6 */
function fromBase32(text: string): Uint8Array {
  const bits = Array.from(text, (letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2));
}

/** A file with the code that the app shows; a code that was taken is not taken again. */
async function codeFile(): Promise<string> {
  const step = () => Math.floor(Date.now() / 1_000 / COMMON_TOTP.period);
  const file = join(table, 'code');
  // One of the next step is taken too: clocks may differ by as much.
  const used = Math.max(step(), (steps.at(-1) ?? 0) + 1);
  steps.push(used);
  writeFileSync(file, totpOf(secret(app.shared.slice()), used, COMMON_TOTP));
  return file;
}
const steps: number[] = [];

async function ownAccount(): Promise<string> {
  const { accounts } = await accountsAt('charlie');
  return accounts[0]!;
}

async function accountsAt(name: string): Promise<{ readonly accounts: readonly string[] }> {
  const outcome = await callCkm(['server', 'accounts', 'list', setup.folderOf(name), '--json'], {});
  const list = JSON.parse(outcome.stdout) as readonly { readonly xid: string }[];
  return { accounts: list.map(({ xid }) => xid) };
}

/** What is typed besides what stands there, and what stands there in the place of what is meant. */
async function argumentsOf(line: string, words: string): Promise<readonly string[]> {
  const args = line.split(' ').slice(1);
  const given = args.map((one) => {
    const server = SERVERS.find((name) => one === `https://${name}.example`);
    return server === undefined ? one : setup.servers[server]!.url;
  });
  const at = (flag: string) => given.indexOf(flag) + 1;
  if (at('--app') > 0) given[at('--app')] = app.name;
  if (given[1] === 'recover' && given[0] === 'server') {
    given[2] = setup.folderOf('charlie');
    given[at('--account')] = await ownAccount();
    given.push('--likeness', words);
  }
  const wantsCode = given.includes('--app') || (given[1] === 'verify' && given[3] === 'totp');
  return [...given, ...(wantsCode ? ['--code-file', await codeFile()] : []), '--yes', '--json'];
}

test('each step of the page ends as it says, for the owner, a friend, the operator and a new folder', async () => {
  const steps = PAGE.split(/^\d+\. /m).slice(1);
  let words = '';
  const said: (readonly [string, Outcome])[] = [];
  for (const step of steps) {
    const who = /^\*\*([^:]+):\*\*/.exec(step)![1]!;
    for (const line of step.matchAll(/^ {3}(ckm .*)$/gm)) {
      const args = await argumentsOf(line[1]!, words);
      const outcome = await callCkm([...args, '--timeout', '10'], { environment: homeOf(who), cwd: table });
      expect([line[1], outcome.status, outcome.status === 0 ? '' : outcome.stderr]).toEqual([line[1], 0, '']);
      const json = JSON.parse(outcome.stdout) as {
        readonly uri?: string;
        readonly name?: string;
        readonly likeness?: { readonly words: string };
      };
      if (json.uri !== undefined)
        app = { name: json.name!, shared: fromBase32(/secret=([A-Z2-7]+)/.exec(json.uri)![1]!) };
      if (line[1]!.includes('--request-out')) words = json.likeness!.words;
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
