import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Address, paymentFrom, spends } from '../test/payment.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';
import { hasProgram } from '../test/programs.js';
import { errorOf, runProgram, treeHash } from '../test/run-ckm.js';

let setup: Setup;
beforeAll(async () => {
  setup = await openSetup({ names: ['alpha', 'bravo', 'charlie', 'delta', 'echo'] });
}, 60_000);
afterAll(() => setup.close());

interface Changed {
  readonly epoch: number;
  readonly isElsewhere: boolean;
  readonly forgetting: readonly { readonly server: string; readonly outcome: string }[];
}
const ALL = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];

interface Line {
  readonly subject: string;
}
/** What is said of a recovery sheet that was made before. */
const sheetLine = async () => {
  const { stdout } = await setup.ckm(['doctor', '--json']);
  return (JSON.parse(stdout) as Line[]).find(({ subject }) => subject === 'recovery sheet');
};
const OLD_SHEET = {
  level: 'warn',
  text: expect.stringMatching(
    /^the last one made here is of [\d-]{10}: it names servers from before the last change of treasury$/,
  ) as string,
  fix: 'print a new one, and destroy the old one: ckm sheet --html --out FILE',
};

describe('one Bitcoin address', () => {
  test('signs with 2 of 3, after a refresh, with 3 of 5, with 2 of 2 and with 2 of 3 others: noble and btc-signer accept each payment', async () => {
    await createKey(setup, 'treasury', '--for', 'bitcoin', '--changes', 'automatic', '--change-delay', '0');
    const coin = await setup.json<Address>(['address', 'treasury', '--index', '0']);
    const change = await setup.json<Address>(['address', 'treasury', '--index', '5', '--change']);
    const file = setup.scratch.file('payment.psbt', paymentFrom([coin], change, 150_000n));
    const pays = async () => {
      const { transaction, signers } = await setup.json<{ transaction: string; signers: string[] }>([
        'sign',
        'treasury',
        '--psbt',
        file,
        '--yes',
      ]);
      expect(spends(transaction, [coin])).toEqual([true]);
      return signers.length;
    };
    const [three, five, two] = [ALL.slice(0, 3), ALL, ['delta', 'echo']];
    const requorum = (quorum: string, servers: readonly string[]) =>
      `requorum treasury --quorum ${quorum} --servers ${servers.join(',')} --key-name treasury`.split(' ');
    expect(await pays()).toBe(2);
    await setup.ckm(['sheet', '--preview']);
    expect(await sheetLine()).toBeUndefined();
    await setup.ckm(['sheet']);
    expect(await sheetLine()).toMatchObject({ level: 'ok' });
    const steps = [
      { line: ['refresh', 'treasury', '--yes'], told: three, signers: 2, isElsewhere: false },
      { line: requorum('3of5', five), told: three, signers: 3 },
      { line: requorum('2of2', two), told: five, signers: 2 },
      { line: requorum('2of3', ['bravo', 'echo', 'alpha']), told: two, signers: 2 },
    ];
    for (const [i, { line, told, signers, isElsewhere = true }] of steps.entries()) {
      const changed = await setup.json<Changed>(['key', ...line]);
      expect(changed).toMatchObject({ epoch: i + 1, isElsewhere });
      expect(changed.forgetting.toSorted((a, b) => (a.server < b.server ? -1 : 1))).toEqual(
        told.map((server) => ({ server, outcome: 'forgot', backupAt: null, backups: 0 })),
      );
      expect(await setup.json<Address>(['address', 'treasury', '--index', '0'])).toMatchObject({
        script: coin.script,
      });
      expect(await pays()).toBe(signers);
      // New shares at the same servers leave what is printed true.
      expect(await sheetLine()).toMatchObject(isElsewhere ? OLD_SHEET : { level: 'ok' });
    }
    await setup.ckm(['sheet']);
    expect(await sheetLine()).toMatchObject({ level: 'ok' });
    const { stdout } = await setup.ckm(['status']);
    const past =
      /treasury +bitcoin +2 of 3.*\n +epoch 4 since [\d-]{10}; never checked(?:; never drilled)?\n +told to destroy their old shares: delta says it has ✓ +echo/;
    expect(stdout).toMatch(past);
  });
});

describe('one ssh key', () => {
  test.skipIf(!hasProgram('ssh-keygen', '-?'))(
    'signs with 2 of 3, 3 of 5, 2 of 2 and 2 of 3 others: ssh-keygen accepts each signature under the first public key (needs ssh-keygen)',
    { tags: ['long'] },
    async () => {
      await createKey(setup, 'shell', '--for', 'ssh', '--changes', 'automatic', '--change-delay', '0');
      const { stdout: line } = await setup.ckm(['key', 'show', 'shell', '--public']);
      const allowed = setup.scratch.file('allowed', `me@example ${line}`);
      const signs = async (text: string) => {
        const file = setup.scratch.file(`${text}.txt`, text);
        const out = `${file}.sig`;
        await setup.json(['sign', 'shell', file, '--ssh-namespace', 'file', '--out', out, '--yes']);
        const verify = ['-Y', 'verify', '-f', allowed, '-I', 'me@example', '-n', 'file', '-s', out];
        expect(await runProgram('ssh-keygen', verify, { stdin: text })).toMatchObject({ status: 0 });
      };
      await signs('born');
      const steps = [
        ['3of5', ALL],
        ['2of2', ['delta', 'echo']],
        ['2of3', ['charlie', 'delta', 'bravo']],
      ] as const;
      for (const [quorum, servers] of steps) {
        const requorum = `key requorum shell --quorum ${quorum} --servers ${servers.join(',')} --key-name shell`;
        await setup.json<Changed>(requorum.split(' '));
        expect((await setup.ckm(['key', 'show', 'shell', '--public'])).stdout).toBe(line);
        await signs(quorum);
      }
    },
  );
});

describe('another server for a key whose operators are asked', () => {
  const add = ['key', 'add-server', 'letters', 'delta'];

  test('says before it begins what servers wait for, and is begun by typing the name of the key only', async () => {
    await createKey(setup, 'letters', '--for', 'message', '--change-delay', '0');
    expect((await setup.ckm(['key', 'show', 'letters'])).stdout).toMatch(
      /^ {2}Changes {5}of servers or quorum with the yes of every operator, at once$/m,
    );
    const { stderr, status } = await setup.ckm([...add, '--preview']);
    expect(status).toBe(0);
    for (const line of [
      /Must be there +all of alpha, bravo, charlie, delta/,
      /Waits +each server takes part at once, and not before its operator has typed the six words/,
      /before is worth nothing once 2 of these 3 have/,
      /Does not help +against a server that keeps its old share in secret/,
    ])
      expect(stderr).toMatch(line);
    expect(errorOf(await setup.ckm([...add, '--yes', '--json']))).toMatchObject({
      code: 'CONFIRMATION_NEEDED',
    });
    expect(errorOf(await setup.ckm([...add, '--key-name', 'other', '--json'])).code).not.toBe(
      'CHANGE_WAITING',
    );
  });

  test('waits for the operators, each with the six words of its owner, and goes on then', async () => {
    const { words } = await setup.json<{ words: string }>([...add, '--preview']);
    const waiting = errorOf(await setup.ckm([...add, '--key-name', 'letters', '--json']));
    expect(waiting).toMatchObject({ code: 'CHANGE_WAITING', hint: expect.stringContaining(words) });
    const [open] = await setup.json<{ id: string; title: string }[]>(['sessions', 'list', '--open']);
    expect(open!.title).toBe('changing the servers of letters');
    // What its operator reads: every server of now and of then by the words that its owner sees, and never those of the change.
    const { stdout: read } = await setup.ckm(['server', 'requests', setup.folderOf('alpha')]);
    const known = await setup.json<{ name: string; likeness: { words: string } }[]>(['server', 'list']);
    const [now = '', then = ''] = read.split(/^ *then, 2 of 4:$/m);
    expect(now).toMatch(/^ *now, 2 of 3:$/m);
    for (const { name, likeness } of known.filter((one) => ALL.slice(0, 4).includes(one.name))) {
      const line = (mark: string) => new RegExp(`^ *${mark} ${likeness.words} [0-9a-f]{8}( |$)`, 'm');
      expect(then).toMatch(line(name === 'delta' ? '[+]' : ''));
      if (name === 'delta') expect(now).not.toContain(likeness.words);
      else expect(now).toMatch(line(''));
    }
    expect(read).not.toContain(words);
    const approve = (name: string, said: string) =>
      setup.ckm(['server', 'approve', setup.folderOf(name), open!.id, '--words', said, '--json']);
    const wrong = await approve('alpha', 'acid acid acid acid acid acid');
    expect(errorOf(wrong)).toMatchObject({ code: 'CHANGE_WORDS_WRONG' });
    for (const name of ALL.slice(0, 4)) expect(await approve(name, words)).toMatchObject({ status: 0 });
    const { stdout } = await setup.ckm(['sessions', 'resume', open!.id]);
    expect(stdout).toMatch(
      /letters is in epoch 1\ntold to destroy their old shares: alpha says it has ✓ +bravo says it has ✓ +charlie says/,
    );
    expect(stdout).toContain('3 have, 2 were needed: shares stolen before are worth nothing now');
    expect(stdout).toContain('a recovery sheet that was printed before names the old servers');
    const sign = ['sign', 'letters', '--message', 'hello', '--without', 'alpha,bravo', '--yes'];
    expect(await setup.ckm(sign)).toMatchObject({ status: 0 });
  });
});

describe('L1: a key that is made strict', () => {
  const three = ['--for', 'message', '--quorum', '2of3', '--servers', 'alpha,bravo,charlie'];

  test(
    'says before it is made, and as long as it lives, that all three decide, and what a dead server costs',
    { tags: ['long'] },
    async () => {
      const previewed = await setup.ckm(['key', 'create', 'tough', ...three, '--strict', '--preview']);
      const gone =
        /once one of the 3 is gone for good, nothing but the words changes them any more \(--by-words\): the key signs on while 2 are left/;
      expect(previewed.stderr).toMatch(/1 may fail; to change hands it takes 3/);
      expect(previewed.stderr).toMatch(
        /Strict +all 3 servers decide on each change of them and each refresh/,
      );
      expect(previewed.stderr).toMatch(gone);
      const made = await setup.ckm(['key', 'create', 'tough', ...three, '--strict', '--yes']);
      expect(made.stdout).toMatch(gone);
      expect(await setup.json(['key', 'show', 'tough'])).toMatchObject({ strict: true });
      expect((await setup.ckm(['key', 'show', 'tough'])).stdout).toMatch(/Strict +all 3 servers decide/);
      const change = ['key', 'repair', 'tough', '--server', 'bravo', '--by', 'delta', '--preview'];
      const { stderr } = await setup.ckm(change);
      expect(stderr).toMatch(/bravo has to be there all the same, to decide/);
      expect(stderr).toMatch(/Decide +all of alpha, charlie, bravo, because the key was made strict/);
      const check = await setup.ckm(['key', 'check', 'tough']);
      expect(check.stdout).toContain('1 server may fail; it takes 3 to change hands');
      expect((await setup.ckm(['status'])).stdout).toMatch(
        /tough +message +2 of 3 .*1 server may fail; none may fail and it still changes hands/,
      );
    },
  );
});

describe('a change, repair, check, freeze or drill that cannot be', () => {
  beforeAll(() => createKey(setup, 'essays', '--for', 'message'));
  const requorum = (quorum: string, servers: string) =>
    `key requorum essays --quorum ${quorum} --servers ${servers}`;
  const many = Array.from({ length: 33 }, (_, i) => `s${i}`).join();

  test.each<[line: string, code: string, status?: number]>([
    [requorum('4of3', 'alpha,bravo,charlie'), 'QUORUM_INVALID'],
    [requorum('0of3', 'alpha,bravo,charlie'), 'QUORUM_INVALID'],
    [requorum('1of3', 'alpha,bravo,charlie'), 'QUORUM_INVALID'],
    [requorum('1of1', 'alpha'), 'QUORUM_INVALID'],
    [requorum('17of33', many), 'QUORUM_INVALID'],
    [requorum('most', 'alpha,bravo,charlie'), 'QUORUM_INVALID'],
    [requorum('3of5', 'alpha,bravo,charlie,delta'), 'QUORUM_SERVERS_MISMATCH'],
    [requorum('2of3', 'alpha,bravo,charlie,delta'), 'QUORUM_SERVERS_MISMATCH'],
    [requorum('2of3', 'alpha,bravo,alpha'), 'SERVERS_NOT_DISTINCT'],
    [requorum('2of3', 'alpha,bravo,zulu'), 'SERVER_UNKNOWN'],
    [requorum('2of3', 'alpha,,bravo'), 'OPTION_INVALID'],
    [requorum('2of3', 'alpha,bravo,charlie'), 'CHANGE_NOTHING', 75],
    ['key requorum nothing --quorum 2of2 --servers alpha,bravo', 'KEY_UNKNOWN'],
    ['key add-server essays alpha', 'SERVERS_NOT_DISTINCT'],
    ['key add-server essays zulu', 'SERVER_UNKNOWN'],
    ['key add-server nothing delta', 'KEY_UNKNOWN'],
    ['key remove-server essays delta', 'QUORUM_SERVERS_MISMATCH'],
    ['key remove-server essays zulu', 'SERVER_UNKNOWN'],
    ['key refresh nothing', 'KEY_UNKNOWN'],
    ['key refresh', 'OPTION_INVALID'],
    ['key refresh essays --all', 'OPTION_INVALID'],
    ['key repair nothing --server bravo', 'KEY_UNKNOWN'],
    ['key repair essays --server delta', 'QUORUM_SERVERS_MISMATCH'],
    ['key repair essays --server zulu', 'QUORUM_SERVERS_MISMATCH'],
    ['key repair essays --server bravo --helpers alpha', 'QUORUM_SERVERS_MISMATCH'],
    ['key repair essays --server bravo --helpers alpha,alpha', 'QUORUM_SERVERS_MISMATCH'],
    ['key repair essays --server bravo --helpers alpha,bravo', 'QUORUM_SERVERS_MISMATCH'],
    ['key repair essays --server bravo --helpers alpha,zulu', 'QUORUM_SERVERS_MISMATCH'],
    ['key repair essays --server bravo --helpers alpha,', 'OPTION_INVALID'],
    ['key repair essays --server bravo --by alpha', 'SERVERS_NOT_DISTINCT'],
    ['key repair essays --server bravo --wait soon', 'OPTION_INVALID'],
    ['key check nothing', 'KEY_UNKNOWN'],
    ['key check essays --every soon', 'OPTION_INVALID'],
    ['freeze nothing', 'KEY_UNKNOWN'],
    ['freeze essays --for 30d', 'OPTION_INVALID'],
    ['freeze', 'OPTION_INVALID'],
    ['freeze essays --paper', 'KEY_OWNER_MISSING', 75],
    ['freeze essays --paper --for 1h', 'OPTION_INVALID'],
    ['freeze essays --out FILE', 'OPTION_INVALID'],
    ['freeze essays --all', 'OPTION_INVALID'],
    ['freeze --all --for 30d', 'OPTION_INVALID'],
    ['thaw nothing', 'KEY_UNKNOWN'],
    ['thaw', 'OPTION_INVALID'],
    ['thaw essays --all', 'OPTION_INVALID'],
    ['drill restore nothing --lost bravo', 'KEY_UNKNOWN'],
    ['drill restore essays --lost delta', 'QUORUM_SERVERS_MISMATCH'],
    ['drill restore essays --lost zulu', 'QUORUM_SERVERS_MISMATCH'],
  ])(
    'ckm %s: refused in words (%s), and nothing is written here',
    { tags: ['long'] },
    async (line, code, status = 64) => {
      const home = setup.environment['CKM_HOME']!;
      const before = treeHash(home);
      const refused = await setup.ckm([...line.split(' '), '--yes']);
      const error = errorOf(refused);
      expect([error.code, refused.status, refused.stdout]).toEqual([code, status, '']);
      expect(`${error.message} ${error.hint}`).toMatch(/\S \S/);
      expect(refused.stderr).not.toMatch(/undefined|\[object|\bat .*\.js:\d+/);
      expect(treeHash(home)).toBe(before);
    },
  );
});

describe('an order that a thief gave with a copy of the owner’s folder', () => {
  test('is shown to the owner by status, the list of sessions and the key, and is cancelled from there', async () => {
    await createKey(setup, 'notes', '--for', 'message');
    const elsewhere = { CKM_HOME: `${setup.scratch.path}/stolen` };
    cpSync(setup.environment['CKM_HOME']!, elsewhere.CKM_HOME, { recursive: true });
    const order =
      'key requorum notes --quorum 2of3 --servers alpha,bravo,delta --key-name notes --json'.split(' ');
    expect(errorOf(await setup.ckm(order, { environment: elsewhere })).code).toBe('CHANGE_WAITING');
    const status = await setup.ckm(['status']);
    const line =
      /Changes that wait\n +([0-9a-f]{8}) +notes +2 of 3 → 2 of 3, delta would join, charlie would leave +from .*once the operators of alpha, bravo, charlie typed its six words +NOT ordered here/;
    expect(status.stdout).toMatch(line);
    const [listed] = await setup.json<{ id: string; origin: string }[]>(['sessions', 'list', '--open']);
    expect(listed).toMatchObject({ key: 'notes', kind: 'reshare', origin: 'strange' });
    const { id } = listed!;
    const shown = await setup.ckm(['key', 'show', 'notes']);
    for (const words of [
      /Now +2 of 3: alpha, bravo, charlie/,
      /Then +2 of 3: alpha, bravo, delta/,
      /Counts +from .* \(in (24 h|1 d)\) on, once the operators of/,
      new RegExp(`NOT ordered here; if no device of yours did: ckm sessions cancel ${id}`),
    ])
      expect(shown.stdout).toMatch(words);
    expect((await setup.ckm(['sessions', 'show', id])).stdout).toMatch(/Then +2 of 3: alpha, bravo, delta/);
    expect((await setup.ckm(['sessions', 'cancel', id, '--preview'])).stdout).toBe(
      'would cancel changing the servers of notes\n',
    );
    const done = await setup.ckm(['sessions', 'cancel', id, '--yes']);
    expect([done.stdout, done.status]).toEqual([
      `cancelled session ${id} at alpha, bravo, charlie, delta\n`,
      0,
    ]);
    expect((await setup.ckm(['status'])).stdout).not.toMatch(/Changes that wait/);
    const gone = await setup.ckm(['sessions', 'cancel', id, '--yes', '--json']);
    expect(errorOf(gone).code).toBe('SESSION_UNKNOWN');
  });
});
