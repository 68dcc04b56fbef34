import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasProgram } from '../test/programs.js';
import { errorOf, runProgram } from '../test/run-ckm.js';
import { runOnTerminal } from '../test/run-on-terminal.js';
import { createKey, openSetup, type Setup } from '../test/run-server.js';

const hasScript = hasProgram('script', '--version');

let setup: Setup;
let file: string;
let signature: string;

beforeAll(async () => {
  setup = await openSetup();
  await createKey(setup, 'notes', '--for', 'message');
  await createKey(setup, 'laptop', '--for', 'ssh');
  file = setup.scratch.file('release.txt', 'release 1.0\n');
  signature = join(setup.scratch.path, 'release.sig');
  expect((await setup.ckm(['sign', 'notes', file, '--out', signature, '--yes'])).status).toBe(0);
}, 120_000);
afterAll(() => setup.close());

const ckm = (...args: string[]) => setup.ckm(args);

/** Types the second argument and Tab into a zsh that has read the first, and waits until the third stands there. */
const ZSH_DRIVER = `zmodload zsh/zpty
zpty shell zsh -f -i
local seen='' part
await() {
  seen=''
  for i in {1..100}; do
    while zpty -r -t shell part 2>/dev/null; do seen+=$part; done
    [[ $seen == *$1* ]] && return 0
    sleep 0.1
  done
  return 1
}
zpty -w shell "autoload -Uz compinit && compinit -u -D; source '$1'; bindkey '^I' complete-word; ckm() { :; }; echo rea''dy"
await ready
zpty -n -w shell "$2"$'\\t'
await "$3" && echo completed || print -r -- "$seen"
zpty -d shell
`;

describe('ckm verify', () => {
  test('says in one line what a message signature says, and whose it is', async () => {
    const good = await ckm('verify', signature, file, '--key', 'notes');
    expect([good.status, good.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^good: the message “release 1\.0\\n” in the domain ckm, signed with notes \((?:[a-z]+-){5}[a-z]+ [0-9a-f]{8}\)\n$/,
      ),
    ]);
  });

  test('takes what ckm sign printed, on stdin, and a public key in the place of a seed', async () => {
    const hex = readFileSync(signature).toString('hex');
    const key = (await ckm('key', 'show', 'notes', '--public')).stdout.trim();
    const environment = { CKM_HOME: join(setup.scratch.path, 'nobody') };
    const good = await setup.ckm(['verify', '-', file, '--public', key], { stdin: `${hex}\n`, environment });
    expect([good.status, good.stdout]).toEqual([
      0,
      expect.stringMatching(/^good: the message .*, signed with this public key \(ed25519\)\n$/),
    ]);
  });

  test.each([
    ['another message', ['--message', 'release 2.0'], /last byte/],
    ['another domain', ['--domain', 'example.org'], /last byte/],
    ['no domain', ['--raw'], /leave --raw out/],
  ])('refuses a signature for %s', async (_what, flags, hint) => {
    const isText = flags[0] === '--message';
    const bad = await ckm('verify', signature, ...(isText ? [] : [file]), ...flags, '--key', 'notes');
    expect([bad.status, errorOf(bad).code]).toEqual([65, 'SIGNATURE_INVALID']);
    expect(errorOf(bad).hint).toMatch(hint);
  });

  test('refuses the signature of another key, and what is no signature', async () => {
    const bad = await ckm('verify', signature, file, '--public', '00'.repeat(32));
    expect(errorOf(bad).code).toBe('SIGNATURE_INVALID');
    expect(errorOf(await ckm('verify', file, file, '--key', 'notes')).code).toBe('SIGNATURE_UNREADABLE');
    expect(errorOf(await ckm('verify', signature, file)).code).toBe('SUBJECT_MISSING');
    expect(errorOf(await ckm('verify', signature, '--key', 'notes')).code).toBe('SUBJECT_MISSING');
  });

  test.each([
    ['secp256k1-tr', 'PUBLIC_KEY_INVALID'],
    ['secp256k1', 'PUBLIC_KEY_INVALID'],
    ['P-256', 'PUBLIC_KEY_INVALID'],
    // As long as a key of ed25519, and taken for one where nothing else is said.
    ['ristretto255', 'SIGNATURE_INVALID'],
  ])('takes a public key of %s from whoever names its suite, and guesses none', async (suite, unnamed) => {
    const name = `by-${suite.toLowerCase()}`;
    await createKey(setup, name, '--for', 'message', '--suite', suite);
    const out = join(setup.scratch.path, `${name}.sig`);
    await setup.json(['sign', name, file, '--out', out, '--yes']);
    const key = (await ckm('key', 'show', name, '--public')).stdout.trim();
    const verify = (...more: string[]) => ckm('verify', out, file, '--public', ...more);
    expect((await verify(key, '--suite', suite)).stdout).toMatch(
      new RegExp(`^good: .*, signed with this public key \\(${suite}\\)\n$`),
    );
    expect(errorOf(await verify(key))).toMatchObject({
      code: unnamed,
      hint: expect.stringContaining('--suite'),
    });
    if (suite === 'secp256k1-tr')
      expect((await verify(key.slice(2), '--suite', suite)).stdout).toContain('good: ');
    const wrong = await ckm('verify', out, '--message', 'release 2.0', '--public', key, '--suite', suite);
    expect([wrong.status, errorOf(wrong).code]).toEqual([65, 'SIGNATURE_INVALID']);
  });

  test('takes no suite for what only one can sign, nor beside a key of one’s own', async () => {
    const ssh = await ckm(
      'verify',
      signature,
      file,
      '--ssh-namespace',
      'file',
      '--public',
      '00'.repeat(32),
      '--suite',
      'P-256',
    );
    expect([ssh.status, errorOf(ssh).code]).toEqual([64, 'OPTION_INVALID']);
    const own = await ckm('verify', signature, file, '--key', 'notes', '--suite', 'ed25519');
    expect([own.status, errorOf(own).code]).toEqual([64, 'OPTION_INVALID']);
  });

  test('of a file for SSH is true for its file and namespace alone', async () => {
    const out = join(setup.scratch.path, 'release.txt.sig');
    await setup.json(['sign', 'laptop', file, '--ssh-namespace', 'file', '--out', out, '--yes']);
    const good = await ckm('verify', out, file, '--ssh-namespace', 'file', '--key', 'laptop');
    expect([good.status, good.stdout]).toEqual([0, expect.stringContaining('good: ')]);
    const bad = await ckm('verify', out, file, '--ssh-namespace', 'mail', '--key', 'laptop');
    expect(errorOf(bad).code).toBe('SIGNATURE_INVALID');
  });

  const using = readFileSync(join(import.meta.dirname, '../../../../docs/using.md'), 'utf8');
  const agrees = async (interpreter: string, pattern: RegExp, keyLine: (key: string) => string) => {
    const [, lines] = pattern.exec(using)!;
    const key = (await ckm('key', 'show', 'notes', '--public')).stdout.trim();
    const script = setup.scratch.file(`verify.${interpreter}`, `${keyLine(key)}\n${lines!}`);
    const run = () => runProgram(interpreter, [script], { cwd: setup.scratch.path });
    expect(await run()).toMatchObject({ status: 0, stdout: 'Signature Verified Successfully\n' });
    writeFileSync(file, 'release 1.1\n');
    const other = await run();
    writeFileSync(file, 'release 1.0\n');
    expect([other.status, other.stdout]).toEqual([1, 'Signature Verification Failure\n']);
  };
  const hasOpenssl = hasProgram('openssl', 'version');

  test.skipIf(!hasOpenssl)('and the openssl recipe of docs/using.md agree on a message (needs openssl)', () =>
    agrees('sh', /```sh\n(# verify with openssl[\s\S]*?)```/, (key) => `KEY=${key}`),
  );

  test.skipIf(!hasOpenssl || !hasProgram('python3', '--version'))(
    'and the Python recipe of docs/using.md agree on a message (needs python3, openssl)',
    () => agrees('python3', /```python\n(# verify with Python[\s\S]*?)```/, (key) => `KEY = '${key}'`),
  );
});

describe('ckm sheet', () => {
  let count = 0;
  const restored = async (sheet: string, ...flags: readonly string[]) => {
    const words = join(setup.scratch.path, `words-${++count}`);
    await setup.json(['seed', 'backup', '--out', words]);
    const environment = { CKM_HOME: join(setup.scratch.path, `from-${count}`) };
    const run = (args: readonly string[]) => setup.ckm(args, { environment });
    const args = ['seed', 'restore', '--from', words, '--sheet', sheet, '--json', ...flags];
    return { run, args, environment, outcome: await run(args) };
  };
  const written = async (...flags: readonly string[]) => {
    const out = join(setup.scratch.path, `sheet-${++count}`);
    await setup.json(['sheet', '--out', out, ...flags]);
    return readFileSync(out, 'utf8');
  };
  const changed = async (from: RegExp, to: string) =>
    setup.scratch.file(`changed-${++count}`, (await written()).replace(from, to));

  test.each([[''], ['--html']])(
    'with nothing secret on it brings servers and keys back together with the words (%s)',
    async (flag) => {
      const text = await written(...(flag === '' ? [] : [flag]));
      for (const name of ['alpha', 'bravo', 'charlie', 'notes', 'laptop']) expect(text).toContain(name);
      expect(text).toContain(setup.servers['alpha']!.url);
      expect(text).not.toMatch(/<script|http-equiv|src=|@import/);
      const { run, outcome } = await restored(setup.scratch.file(`own-${++count}`, text), '--no-input');
      expect(JSON.parse(outcome.stdout)).toMatchObject({ added: ['alpha', 'bravo', 'charlie'], failed: [] });
      const fetched = await run(['key', 'fetch', '--yes', '--json']);
      expect(fetched.status).toBe(0);
    },
  );

  test.each([
    ['another identity', /^(server: bravo )[0-9a-f]{4}/m, '$1ffff'],
    ['another address', /^(server: bravo .* http:.*:)\d+$/m, '$11'],
  ])(
    'on which somebody put %s in the place of a server adds nobody and stores no seed',
    async (_what, from, to) => {
      const { run, outcome } = await restored(await changed(from, to), '--yes');
      expect([outcome.status, errorOf(outcome).code]).toEqual([65, 'SHEET_CHANGED']);
      expect(errorOf(await run(['status'])).code).toBe('HOME_NOT_INITIALISED');
    },
  );

  test('of another owner is told apart from a changed one', async () => {
    const sheet = await changed(/^(check: )[0-9a-f]{16}/m, `$1${'0'.repeat(16)}`);
    const { outcome } = await restored(sheet, '--yes');
    expect([outcome.status, errorOf(outcome).code]).toEqual([65, 'SHEET_OF_ANOTHER_SEED']);
  });

  test('that anybody can have written is asked about, or taken with --yes, and then pins identities all the same', async () => {
    const noCheck = /^check: .*\n/m;
    const silent = await restored(await changed(noCheck, ''), '--no-input');
    expect([silent.outcome.status, errorOf(silent.outcome).code]).toEqual([64, 'INPUT_NEEDED']);
    expect(silent.outcome.stderr).toMatch(/has no check[\s\S]* bravo +http:\S+ +(?:[a-z]+-){5}/);
    expect(errorOf(await silent.run(['status'])).code).toBe('HOME_NOT_INITIALISED');
    const forged = await changed(/^(server: bravo )[0-9a-f]{4}([^]*)^check: .*\n/m, '$1ffff$2');
    const { outcome, run } = await restored(forged, '--yes');
    expect(JSON.parse(outcome.stdout)).toMatchObject({ added: ['alpha', 'charlie'], failed: ['bravo'] });
    expect(outcome.stderr).toContain('SERVER_LIKENESS_MISMATCH');
    // What it says of keys is not taken, whoever has exchanged their names.
    const { stdout } = await run(['key', 'fetch', '--preview', '--json']);
    expect(stdout).toContain('suggestedName');
    expect(stdout).not.toMatch(/"(notes|laptop)"/);
  });

  test.skipIf(!hasScript)(
    'without a check, and No as the answer, restores nothing (needs script)',
    async () => {
      const { args, environment, run } = await restored(await changed(/^check: .*\n/m, ''), '--preview');
      const typed = args.filter((word) => word !== '--preview' && word !== '--json');
      const seen = await runOnTerminal(typed, [[/Are all of these your servers/, 'n\r']], {
        ...setup.environment,
        ...environment,
      });
      expect([seen.status, seen.screen.includes('CANCELLED_BY_PERSON')]).toEqual([75, true]);
      expect(errorOf(await run(['status'])).code).toBe('HOME_NOT_INITIALISED');
    },
  );

  const cutAfter = (at: RegExp) => (text: string) => at.exec(text)![0];
  const BAD: readonly (readonly [
    what: string,
    change: (text: string) => string,
    status: number,
    code: string,
  ])[] = [
    ['that is no sheet', () => 'hello\n', 65, 'SHEET_INVALID'],
    ['that is empty', () => '', 65, 'SHEET_INVALID'],
    ['cut before what programs read', cutAfter(/^[^]*?(?=ckm-recovery-sheet)/), 65, 'SHEET_INVALID'],
    ['cut behind the line it begins with', cutAfter(/^[^]*?ckm-recovery-sheet: 1\n/), 65, 'SHEET_INVALID'],
    ['cut within a server', cutAfter(/^[^]*?\nserver: bravo [0-9a-f]{20}/), 65, 'SHEET_INVALID'],
    ['cut within a key', cutAfter(/^[^]*?\nkey: \w+ [0-9a-f]{20}/), 65, 'SHEET_INVALID'],
    ['cut within its check', cutAfter(/^[^]*?\ncheck: [0-9a-f]{16} [0-9a-f]{20}/), 65, 'SHEET_INVALID'],
    ['cut behind its servers, and nobody to ask', cutAfter(/^[^]*?\n(?=key:)/), 64, 'INPUT_NEEDED'],
    [
      'that names a server twice',
      (text) => text.replace(/^server: bravo .*\n/m, '$&$&'),
      65,
      'SHEET_INVALID',
    ],
    [
      'that names two servers by one name',
      (text) => text.replace('server: bravo', 'server: alpha'),
      65,
      'SHEET_INVALID',
    ],
    [
      'that names one server by two names',
      (text) => text.replace(/^server: bravo (.*\n)/m, '$&server: delta $1'),
      65,
      'SHEET_CHANGED',
    ],
    [
      'that names two keys by one name',
      (text) => text.replace('key: laptop', 'key: notes'),
      65,
      'SHEET_CHANGED',
    ],
    [
      'with the day of another one',
      (text) => text.replace(/^made: 20../m, 'made: 2099'),
      65,
      'SHEET_CHANGED',
    ],
    [
      'with the check of another owner’s',
      (text) => text.replace(/^check: [0-9a-f]{16}/m, `check: ${'0'.repeat(16)}`),
      65,
      'SHEET_OF_ANOTHER_SEED',
    ],
  ];
  test.each(BAD)(
    '%s is refused before anything is written',
    { tags: ['long'] },
    async (_what, change, status, code) => {
      const sheet = setup.scratch.file(`bad-${++count}`, change(await written()));
      const { run, outcome } = await restored(sheet, '--no-input');
      const { code: said, message, hint } = errorOf(outcome);
      expect([outcome.status, said]).toEqual([status, code]);
      expect(`${message} ${hint}`).toMatch(/\S \S/);
      expect(errorOf(await run(['status'])).code).toBe('HOME_NOT_INITIALISED');
    },
  );

  test(
    'with the keys of an older one under the check of a newer is refused, and the older one itself is good',
    { tags: ['long'] },
    async () => {
      const older = await written();
      await createKey(setup, 'newest', '--for', 'message');
      const newer = await written();
      const [, check] = /^(check: .*)$/m.exec(newer)!;
      const mixed = setup.scratch.file(`mixed-${++count}`, older.replace(/^check: .*$/m, check!));
      const refused = await restored(mixed, '--no-input');
      expect([refused.outcome.status, errorOf(refused.outcome).code]).toEqual([65, 'SHEET_CHANGED']);
      expect(errorOf(await refused.run(['status'])).code).toBe('HOME_NOT_INITIALISED');
      const { outcome } = await restored(setup.scratch.file(`older-${++count}`, older), '--no-input');
      expect(JSON.parse(outcome.stdout)).toMatchObject({ added: ['alpha', 'bravo', 'charlie'], failed: [] });
    },
  );
});

describe('ckm key forget', () => {
  test('needs the name once more, says what it does not do, and what it forgot can be fetched', async () => {
    await createKey(setup, 'draft', '--for', 'message');
    const silent = await ckm('key', 'forget', 'draft', '--yes');
    expect(errorOf(silent).code).toBe('CONFIRMATION_NEEDED');
    expect(silent.stderr).toContain('no share is deleted at any server');
    expect(errorOf(await ckm('key', 'forget', 'draft', '--key-name', 'draft2')).code).toBe(
      'CANCELLED_BY_PERSON',
    );
    expect((await ckm('key', 'forget', 'draft', '--key-name', 'draft')).stdout).toBe('forgot draft here\n');
    expect(errorOf(await ckm('key', 'show', 'draft')).code).toBe('KEY_UNKNOWN');
    expect(
      (await setup.json<{ fetched: unknown[] }>(['key', 'fetch', '--name', 'draft'])).fetched,
    ).toHaveLength(1);
  });

  test('is refused while a request for it waits', async () => {
    await createKey(setup, 'slow', '--for', 'message', '--approval', 'operator');
    await ckm('sign', 'slow', '--message', 'a', '--wait', '0s', '--yes');
    expect(errorOf(await ckm('key', 'forget', 'slow', '--preview')).code).toBe('KEY_BUSY');
  });
});

describe('making a key by questions', () => {
  test('names everything that is missing at once where nobody can be asked', async () => {
    const refused = errorOf(await ckm('key', 'create', 'k', '--for', 'message'));
    expect(refused).toMatchObject({
      code: 'ARGUMENT_MISSING',
      message: 'to make k, --quorum, --servers are missing',
      hint: expect.stringContaining('ckm key create k --quorum 2of3 --servers alpha,bravo,charlie'),
    });
  });

  test.skipIf(!hasScript)(
    'asks what for, which servers and how many, each with a default, and ends with the comparison (needs script)',
    async () => {
      const seen = await runOnTerminal(
        ['key', 'create', 'guided'],
        [
          [/What is guided for\?/, '\r'],
          [/Which servers make it with you\?/, '\r'],
          [/How many must agree\?[\s\S]*2 of 3[\s\S]*could steal/, '\r'],
          [
            /When a server loses its share\?[\s\S]*its backup give it back[\s\S]*its identity file alone/,
            '\r',
          ],
          [/Make this key\?/, 'y\r'],
          [/Does every operator see the same[\s\S]*one sees something else/, '\u001b[B\u001b[B\r'],
        ],
        setup.environment,
      );
      // What was chosen stays on the screen in words, not as the value of a flag.
      expect(seen.screen).toMatch(/◇ {2}When a server loses its share\?\s+│ {2}other servers or its backup/);
      expect(seen.screen).toMatch(/Quorum +2 of 3: any 2 servers can sign/);
      expect(seen.screen).toMatch(
        /yes of every operator,\s+after 1 d\s+\(as long as the key lives; otherwise: --changes,/,
      );
      expect(seen.screen).toContain('KEY_LIKENESS_DIFFERS');
      expect(seen.screen).toContain('ckm key compare guided');
      expect(seen.status).toBe(76);
    },
  );
});

describe('small commands', () => {
  const COMPLETED = [
    ['ckm key cr', 'create'],
    ['ckm sign notes --mes', '--message'],
    ['ckm key create notes --for b', 'bitcoin'],
  ] as const;
  const scriptFor = async (shell: string) =>
    setup.scratch.file(`ckm.${shell}`, (await ckm('completion', shell)).stdout);

  test.skipIf(!hasProgram('bash', '--version'))(
    'bash completes commands, flags and their values (needs bash)',
    async () => {
      const path = await scriptFor('bash');
      for (const [line, word] of COMPLETED) {
        const typed = line.split(' ');
        const words = `COMP_WORDS=(${line}); COMP_CWORD=${typed.length - 1}`;
        const run = `. '${path}'; ${words}; _ckm; echo "\${COMPREPLY[@]}"`;
        expect(await runProgram('bash', ['-c', run])).toMatchObject({ stdout: `${word}\n`, stderr: '' });
      }
    },
  );

  test.skipIf(!hasProgram('fish', '--version'))(
    'fish completes commands, flags and their values (needs fish)',
    async () => {
      const asked = COMPLETED.map(([line]) => `complete -C '${line}'`).join('; ');
      const environment = { HOME: setup.scratch.path };
      const run = ['--no-config', '-c', `source '${await scriptFor('fish')}'; ${asked}`];
      const { stdout, stderr } = await runProgram('fish', run, { environment });
      const words = stdout
        .trim()
        .split(/\n+/)
        .map((line) => line.split('\t')[0]);
      expect([words, stderr]).toEqual([COMPLETED.map(([, word]) => word), '']);
    },
  );

  test.skipIf(!hasProgram('zsh', '--version'))(
    'zsh completes commands, flags and their values, on a terminal (needs zsh)',
    async () => {
      const driver = setup.scratch.file('zsh-driver', ZSH_DRIVER);
      const path = await scriptFor('zsh');
      for (const [line, word] of COMPLETED) {
        const expected = `${line.slice(0, line.lastIndexOf(' '))} ${word}`;
        const environment = { HOME: setup.scratch.path, TERM: 'dumb' };
        const { stdout } = await runProgram('zsh', ['-f', driver, path, line, expected], { environment });
        expect(stdout).toBe('completed\n');
      }
    },
  );

  test('ckm config where says which setting counts and why', async () => {
    const { stdout } = await ckm('config', 'where', '--timeout', '7');
    expect(stdout).toMatch(/folder +\S+home +environment CKM_HOME/);
    expect(stdout).toMatch(/longest wait +7 s +flag --timeout/);
    expect(stdout).toMatch(/trusted authorities +those of Node +default/);
  });

  test.each([
    ['version', 'ckm --version'],
    ['resume', 'ckm requests resume'],
    ['key delete', 'ckm key forget NAME'],
  ])('ckm %s says what is meant', async (words, hint) => {
    expect(errorOf(await ckm(...words.split(' '))).hint).toContain(hint);
  });
});
