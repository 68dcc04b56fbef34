import { connectOperator } from '@ckm/server';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandNode } from '../command-line/command-node.js';
import { COMMAND_TREE } from '../command-tree.js';
import { paymentFrom, type Address } from '../test/payment.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { makeOwner } from '../test/make-owner.js';
import { callCkm } from '../test/call-ckm.js';
import { errorOf, treeHash } from '../test/run-ckm.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

/** Commands that send nothing that changes anything, and write nothing but an answer. */
const LOOKING = [
  'account list',
  'approver list',
  'approver show',
  'heir list',
  'completion',
  'config where',
  'contact list',
  'csr list',
  'doctor',
  'explain',
  'key list',
  'key show',
  'key verify',
  'requests list',
  'requests show',
  'server accounts list',
  'server audit show',
  'server audit verify',
  'server config check',
  'server config show',
  'server invite list',
  'server keys',
  'server list',
  'server outbox list',
  'server policy show',
  'server requests',
  'server show',
  'server status',
  'sessions list',
  'sessions show',
  'terms history',
  'terms test',
  'verify',
];

/** Each of the others, as it is typed; words in capitals stand for what {@link beforeAll} made. */
const CHANGING: readonly (readonly [line: string, code?: string])[] = [
  ['account recover alpha --url URL'],
  ['account veto alpha', 'RECOVERY_UNKNOWN'],
  ['address treasury'],
  ['alive'],
  ['approver add ANSWER'],
  ['approver approve 0000 --home APPROVER', 'APPROVAL_UNKNOWN'],
  ['approver init --home NEW'],
  ['approver invite notes carol --out NEW'],
  ['approver join INVITATION --home APPROVER --out NEW'],
  ['approver reject 0000 --home APPROVER', 'APPROVAL_UNKNOWN'],
  ['approver take-back 0000 --home APPROVER', 'APPROVAL_UNKNOWN'],
  ['heir ask notes --home APPROVER'],
  ['heir doubt notes --home APPROVER'],
  ['heir recover notes --to NEW --home APPROVER', 'HEIR_KEY_NOT_SHOWN'],
  ['heir sign notes --message hello --home APPROVER', 'HEIR_KEY_NOT_SHOWN'],
  ['contact remove alpha totp'],
  ['contact set alpha totp'],
  ['contact verify alpha totp'],
  ['contact vouch VOUCH --person bob --out NEW'],
  ['csr check --words-file WORDS'],
  ['csr delete --words-file WORDS'],
  ['csr recover URL --home NEW --words-file WORDS'],
  ['csr rotate --words-file WORDS'],
  ['csr store --words-out NEW'],
  ['csr upgrade --words-file WORDS', 'DEPOSIT_UNKNOWN'],
  ['derive notes backup/nas', 'REQUEST_KIND_NOT_FOR_KEY'],
  ['device add OFFER --may manage --welcome-out NEW'],
  ['device join --offer-out NEW --home HOME'],
  ['device list'],
  ['device remove phone', 'DEVICE_UNKNOWN'],
  ['device rename phone tablet', 'DEVICE_UNKNOWN'],
  ['drill clear'],
  ['drill restore notes --lost bravo'],
  ['freeze notes'],
  ['freeze notes --paper'],
  ['freeze --account'],
  ['freeze --account alpha'],
  ['git-sign -Y sign -n file -f LAPTOP FILE'],
  ['init --home NEW'],
  ['key check notes'],
  ['key compare notes --answer same'],
  ['key create another --for message --quorum 2of3 --servers alpha,bravo,charlie'],
  ['key export secret --to NEW'],
  ['key fetch'],
  ['key forget notes'],
  ['key import another --from HEX --format scalar --for message --quorum 2of3 --servers alpha,bravo,charlie'],
  ['key refresh notes'],
  ['key refresh --all'],
  ['key add-server notes delta', 'SERVER_UNKNOWN'],
  ['key remove-server notes charlie'],
  ['key requorum notes --quorum 2of2 --servers alpha,bravo'],
  ['key rename notes letters'],
  ['key repair notes --server bravo'],
  ['key repair notes --server bravo --by delta', 'SERVER_UNKNOWN'],
  ['key restore notes'],
  ['key settle notes', 'KEY_NOT_FORKED'],
  ['lock'],
  ['requests cancel REQUEST'],
  ['requests resume REQUEST'],
  ['seed backup --out NEW'],
  ['seed forget --from WORDS'],
  ['seed passphrase'],
  ['seed restore --home NEW --from WORDS'],
  ['seed verify WORDS'],
  ['server accounts resume FOLDER ACCOUNT'],
  ['server accounts suspend FOLDER ACCOUNT'],
  ['server accounts thaw FOLDER ACCOUNT'],
  ['server add delta URL', 'SERVER_EXISTS'],
  ['server add alpha URL'],
  ['server approve FOLDER REQUEST'],
  ['server backup FOLDER NEW --passphrase-file PASSPHRASE'],
  ['server backups-destroyed FOLDER --before 2026-11-30'],
  ['server drill FOLDER --backup BACKUP --passphrase-file PASSPHRASE'],
  ['server init NEW --name delta'],
  ['server invite create FOLDER'],
  ['server invite revoke FOLDER 0000', 'OPERATOR_UNKNOWN_ID'],
  ['server move FOLDER --to postgres', 'STORAGE_OTHER'],
  ['server outbox retry FOLDER'],
  ['server passphrase FOLDER'],
  ['server policy loosen FOLDER KEY --rate any'],
  ['server policy release FOLDER KEY'],
  ['server silence FOLDER KEY'],
  ['server policy thaw FOLDER KEY'],
  ['server policy tighten FOLDER KEY --rate 1/1h'],
  ['server recover FOLDER VOUCH --account ACCOUNT'],
  ['server reject FOLDER REQUEST --reason no'],
  ['server remove alpha', 'SERVER_IN_USE'],
  ['server restore BACKUP NEW --passphrase-file PASSPHRASE'],
  ['server rotate-key FOLDER'],
  ['server start FOLDER'],
  ['server stop FOLDER'],
  ['server unseal FOLDER'],
  ['sessions cancel SESSION'],
  ['sessions resume SESSION'],
  ['sheet --out NEW'],
  ['sign treasury --psbt PAYMENT'],
  ['ssh-agent'],
  ['status'],
  ['terms approve treasury FILE', 'VOTE_INVALID'],
  ['terms propose treasury TERMS'],
  ['terms settle treasury', 'TERMS_NOT_APART'],
  ['terms show treasury --out NEW'],
  ['terms stop treasury'],
  ['thaw notes'],
  ['thaw --account'],
  ['unlock'],
];

function leavesOf(node: CommandNode, path: readonly string[] = []): string[] {
  if (node.load !== undefined) return [path.join(' ')];
  return (node.commands ?? []).flatMap((one) => leavesOf(one, [...path, one.name]));
}

const leaves = leavesOf(COMMAND_TREE);
const leafOf = (line: string) =>
  leaves
    .filter((leaf) => line === leaf || line.startsWith(`${leaf} `))
    .sort((a, b) => b.length - a.length)[0];

test('every command is known to change something, or to change nothing', () => {
  const known = new Set([...LOOKING, ...CHANGING.map(([line]) => leafOf(line))]);
  expect([...known].toSorted()).toEqual(leaves.toSorted());
});

describe('ckm … --preview', () => {
  let setup: Setup;
  let proxy: Proxy;
  let environment: Record<string, string>;
  const names = new Map<string, string>();
  const ckm = (...args: string[]) => callCkm([...args, '--timeout', '2'], { environment });

  beforeAll(async () => {
    setup = await openSetup();
    proxy = await startProxy(setup.servers['alpha']!.url);
    environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'previewing') };
    const urlOf = (name: string) => (name === 'alpha' ? proxy : setup.servers[name]!).url;
    await makeOwner(environment, Object.fromEntries(['alpha', 'bravo', 'charlie'].map((n) => [n, urlOf(n)])));
    await prepare();
  }, 120_000);
  afterAll(async () => {
    await proxy.close();
    await setup.close();
  });

  test.each(CHANGING.map(([line, code]) => ({ line, code })))(
    'of $line sends and writes nothing',
    async ({ line, code }) => {
      const fresh = join(setup.scratch.path, 'new');
      names.set('NEW', fresh);
      const before = await traces();
      const args = line.split(' ').map((word) => names.get(word) ?? word);
      const outcome = await ckm(...args, '--preview', '--no-input');
      expect({
        status: outcome.status,
        said: outcome.status === 0 ? undefined : errorOf(outcome).code,
      }).toEqual(
        code === undefined ? { status: 0, said: undefined } : { status: expect.any(Number), said: code },
      );
      expect(await traces()).toEqual(before);
      expect(existsSync(fresh)).toBe(false);
    },
  );

  /** What somebody would have left who did anything. */
  async function traces(): Promise<unknown> {
    const { open } = await connectOperator(setup.folderOf('alpha')).status();
    return [treeHash(environment['CKM_HOME']!), open!.auditEntries, open!.waitingRequests, open!.auditHead];
  }

  async function prepare(): Promise<void> {
    const owner: Setup = {
      ...setup,
      environment,
      ckm: (args, options) => callCkm(args, { ...options, environment }),
      json,
    };
    for (const [name, purpose] of [
      ['notes', 'message'],
      ['treasury', 'bitcoin'],
      ['laptop', 'ssh'],
    ] as const)
      await createKey(owner, name, '--for', purpose);
    await createKey(owner, 'secret', '--for', 'message', '--exportable');
    await createKey(owner, 'payroll', '--for', 'message', '--approval', 'operator');
    await ckm('sign', 'payroll', '--message', 'Pay the baker', '--yes', '--wait', '0s');
    // A ceremony whose last promise is missing goes on.
    let asked = 0;
    proxy.after = () => (++asked > 4 ? 'hang' : 'pass');
    await ckm(
      'key',
      'create',
      'half',
      '--for',
      'ssh',
      '--quorum',
      '2of3',
      '--servers',
      'alpha,bravo,charlie',
      '--yes',
    );
    proxy.after = () => 'pass';
    const { scratch } = setup;
    const [coin, change] = [
      await json<Address>(['address', 'treasury']),
      await json<Address>(['address', 'treasury', '--change']),
    ];
    names.set('PAYMENT', scratch.file('payment.psbt', paymentFrom([coin], change, 10_000n)));
    names.set('TERMS', scratch.file('terms.json', '{"terms": 1, "rateLimit": {"count": 1, "in": "1h"}}'));
    names.set('HEX', scratch.file('scalar', `${'07'.repeat(31)}00\n`));
    names.set('FILE', scratch.file('letter', 'Dear Ben\n'));
    names.set('LAPTOP', scratch.file('laptop.pub', (await ckm('key', 'show', 'laptop', '--public')).stdout));
    names.set('FOLDER', setup.folderOf('alpha'));
    names.set('URL', setup.servers['alpha']!.url);
    names.set('PASSPHRASE', scratch.file('backup-passphrase', 'olive canyon ferret\n'));
    names.set('WORDS', join(scratch.path, 'words'));
    names.set('VOUCH', join(scratch.path, 'bob.request'));
    await json(['contact', 'set', 'alpha', 'xid', '--out', names.get('VOUCH')!]);
    names.set('OFFER', join(scratch.path, 'phone.offer'));
    names.set('HOME', join(scratch.path, 'another-home'));
    await json(['device', 'join', '--home', join(scratch.path, 'phone'), '--offer-out', names.get('OFFER')!]);
    for (const name of ['APPROVER', 'INVITATION', 'ANSWER'])
      names.set(name, join(scratch.path, `bob.${name.toLowerCase()}`));
    await json(['approver', 'init', '--home', names.get('APPROVER')!]);
    await json(['approver', 'invite', 'notes', 'bob', '--out', names.get('INVITATION')!]);
    const answer = ['--home', names.get('APPROVER')!, '--out', names.get('ANSWER')!, '--yes'];
    await json(['approver', 'join', names.get('INVITATION')!, ...answer]);
    names.set('BACKUP', join(scratch.path, 'alpha.backup'));
    await json(['seed', 'backup', '--out', names.get('WORDS')!]);
    await json([
      'server',
      'backup',
      names.get('FOLDER')!,
      names.get('BACKUP')!,
      '--passphrase-file',
      names.get('PASSPHRASE')!,
    ]);
    names.set('REQUEST', (await json<[{ id: string }]>(['requests', 'list', '--open']))[0].id);
    names.set('SESSION', (await json<[{ id: string }]>(['sessions', 'list', '--open']))[0].id);
    names.set('KEY', (await json<{ keyId: string }>(['key', 'show', 'notes'])).keyId);
    names.set(
      'ACCOUNT',
      (await json<[{ xid: string }]>(['server', 'accounts', 'list', names.get('FOLDER')!]))[0].xid,
    );
  }

  async function json<T>(args: readonly string[]): Promise<T> {
    const outcome = await callCkm([...args, '--json'], { environment });
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    return JSON.parse(outcome.stdout) as T;
  }
});
