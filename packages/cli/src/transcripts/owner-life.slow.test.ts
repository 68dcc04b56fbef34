import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callCkm } from '../test/call-ckm.js';
import { type Address, finalized, paymentFrom, spends, strangersAddress } from '../test/payment.js';
import { hasProgram } from '../test/programs.js';
import { type Proxy, startProxy } from '../test/proxy.js';
import { makeOwner, sealCheaply } from '../test/make-owner.js';
import { CKM, errorOf, runCkm, runProgram, treeHash } from '../test/run-ckm.js';
import { createKey, type Setup, openSetup } from '../test/run-server.js';

const SERVERS = ['alpha', 'bravo', 'charlie'];
const ESCAPE = /\u001b/;

let setup: Setup;
let home: string;

/** In a process of its own, as it is for people: one command of each kind. */
const inProcess = (args: readonly string[]) => runCkm(args, { environment: setup.environment });

beforeAll(async () => {
  setup = await openSetup();
  home = setup.environment['CKM_HOME']!;
  await createKey(setup, 'letters', '--for', 'message');
}, 120_000);
afterAll(() => setup.close());

describe('making a key', () => {
  test('says what it means first, names servers while it goes on, and ends with what people compare', async () => {
    const args = [
      'key',
      'create',
      'shell',
      '--for',
      'ssh',
      '--quorum',
      '2of3',
      '--servers',
      SERVERS.join(),
      '--yes',
    ];
    const { stdout, stderr, status } = await inProcess(args);
    expect(status).toBe(0);
    expect(stderr).toMatch(/Quorum +2 of 3: any 2 servers can sign, and 2 together could steal; 1 may fail/);
    expect(stderr).toMatch(/making [0-9a-f]{8} · 5 of 5 · storing the certificate/);
    expect(stderr).toContain('waiting: alpha, bravo, charlie');
    expect(stdout).toMatch(/shell {3}(?:[a-z]+-){5}[a-z]+ {3}[0-9a-f]{8}\n/);
    expect(stdout).toMatch(/SSH key +ssh-ed25519 AAAA\S+ ckm:shell/);
    expect(stdout).toMatch(/State +stored by every server/);
    expect(`${stdout}${stderr}`).not.toMatch(ESCAPE);
    const shown = await inProcess(['key', 'show', 'shell', '--quiet']);
    expect(shown.stdout.split('\n')[0]).toBe(stdout.split('\n')[0]);
  });

  test('previewed shows the same and changes nothing', async () => {
    const before = treeHash(home);
    const args = [
      'key',
      'create',
      'other',
      '--for',
      'bitcoin',
      '--quorum',
      '3of3',
      '--servers',
      SERVERS.join(),
      '--preview',
    ];
    const { stdout, stderr, status } = await setup.ckm(args);
    expect([stdout, status]).toEqual(['nothing was sent\n', 0]);
    expect(stderr).toMatch(
      /Quorum +3 of 3: all 3 servers must sign, and all 3 together could steal; none may fail/,
    );
    expect(treeHash(home)).toBe(before);
  });

  test('needs a yes, and silence is none', async () => {
    const before = treeHash(home);
    const outcome = await setup.ckm([
      'key',
      'create',
      'other',
      '--for',
      'ssh',
      '--quorum',
      '2of3',
      '--servers',
      SERVERS.join(),
    ]);
    expect(errorOf(outcome)).toMatchObject({
      code: 'INPUT_NEEDED',
      hint: 'answer with --yes, or run this on a terminal',
    });
    expect(treeHash(home)).toBe(before);
  });

  test('of a name that is taken is refused', async () => {
    const args = [
      'key',
      'create',
      'letters',
      '--for',
      'ssh',
      '--quorum',
      '2of3',
      '--servers',
      SERVERS.join(),
      '--yes',
    ];
    expect(errorOf(await setup.ckm(args)).code).toBe('KEY_EXISTS');
  });
});

describe('signing', () => {
  test('begins with the sentence derived from the bytes; stdout is the signature and nothing else', async () => {
    const { stdout, stderr, status } = await inProcess(['sign', 'letters', '--message', 'hello', '--yes']);
    expect(status).toBe(0);
    expect(stderr.trimStart().split('\n')[0]).toBe('Sign the message “hello” in the domain ckm with letters');
    expect(stderr).toMatch(/Servers +any 2 of /);
    expect(stderr).toMatch(/signed by (alpha|bravo), (bravo|charlie)/);
    expect(stdout).toMatch(/^[0-9a-f]{128}\n$/);
  });

  test('with --json gives one line that says the same', async () => {
    const signed = await setup.json<Record<string, unknown>>([
      'sign',
      'letters',
      '--message',
      'hello',
      '--yes',
    ]);
    expect(signed).toMatchObject({
      kind: 'message',
      sentence: 'Sign the message “hello” in the domain ckm with letters',
      faulty: [],
      // An honest server that is late on a busy machine costs a second one.
      attempts: expect.any(Number),
      artefact: expect.stringMatching(/^[0-9a-f]{128}$/),
    });
  });

  test('previewed shows who decides by which policy, and neither sends nor writes', async () => {
    const before = treeHash(home);
    const { stdout, stderr } = await setup.ckm([
      'sign',
      'letters',
      '--message',
      'hello',
      '--preview',
      '--no-input',
    ]);
    expect(stdout).toBe('nothing was sent\n');
    expect(stderr).toMatch(/Policy +message; signs without asking its operator/);
    expect(treeHash(home)).toBe(before);
  });

  test('hostile text cannot steer the terminal: escapes and turned-around letters are shown, not obeyed', async () => {
    const { stderr } = await setup.ckm([
      'sign',
      'letters',
      '--message',
      'pay\u001b[2J\u202e bob',
      '--preview',
    ]);
    expect(stderr).not.toMatch(/\u001b|\u202e/);
  });

  test('content that cannot be described is blind, and is refused by the certified policy before anybody is asked', async () => {
    const file = setup.scratch.file(
      'binary',
      Uint8Array.from({ length: 64 }, (_, i) => 255 - i),
    );
    const asked = await setup.ckm(['sign', 'letters', file, '--raw']);
    expect(asked.stderr.match(/cannot be described/g)).toHaveLength(1);
    expect(asked.stderr).toContain('blind signing');
    const forced = await setup.ckm(['sign', 'letters', file, '--raw', '--yes', '--blind']);
    expect(errorOf(forced)).toMatchObject({
      code: 'POLICY_BLIND',
      message: 'binary is not text, and without a domain it could mean anything',
    });
    expect(forced.status).toBe(77);
  });

  test('a file that is not text is signed by its digest, and verifies', async () => {
    const file = setup.scratch.file('report.pdf', Uint8Array.of(0x25, 0x50, 0x44, 0x46, 0xff));
    const out = join(setup.scratch.path, 'report.sig');
    const signed = await setup.ckm(['sign', 'letters', file, '--yes', '--out', out]);
    expect(signed.stderr).toContain(`; written to ${out}\n`);
    expect(statSync(out).mode & 0o777).toBe(0o666 & ~process.umask());
    expect(signed.stderr).toMatch(
      /Sign the file report.pdf, 5 bytes, SHA-256 [0-9a-f\s]{80,85}, in the domain ckm with letters/,
    );
    const verified = await setup.ckm(['verify', out, file, '--key', 'letters']);
    expect([verified.status, verified.stdout]).toEqual([
      0,
      expect.stringMatching(/^good: the file report\.pdf, 5 bytes/),
    ]);
  });

  test('leaves out whom it is told to leave out', async () => {
    const { signers } = await setup.json<{ signers: string[] }>([
      'sign',
      'letters',
      '--message',
      'a',
      '--yes',
      '--without',
      'alpha',
    ]);
    expect(signers).toEqual(['bravo', 'charlie']);
    const outcome = await setup.ckm([
      'sign',
      'letters',
      '--message',
      'a',
      '--yes',
      '--without',
      'alpha,bravo',
    ]);
    expect(errorOf(outcome).code).toBe('QUORUM_SERVERS_MISMATCH');
  });

  test('with a key for another purpose is refused', async () => {
    const message = setup.scratch.file('message.txt', 'hello');
    const outcome = await setup.ckm(['sign', 'letters', message, '--ssh-namespace', 'file', '--yes']);
    expect(errorOf(outcome).code).toBe('REQUEST_KIND_NOT_FOR_KEY');
    expect(outcome.status).toBe(77);
    const address = await setup.ckm(['address', 'letters']);
    expect([address.status, errorOf(address).code]).toEqual([77, 'REQUEST_KIND_NOT_FOR_KEY']);
  });

  test.skipIf(!hasProgram('openssl', 'version'))(
    'of exact bytes convinces openssl (needs openssl)',
    async () => {
      const message = setup.scratch.file('raw.txt', 'signed by nobody in particular\n');
      const out = join(setup.scratch.path, 'raw.sig');
      expect(await setup.ckm(['sign', 'letters', message, '--raw', '--out', out, '--yes'])).toMatchObject({
        status: 0,
        stdout: '',
      });
      const { stdout: hex } = await setup.ckm(['key', 'show', 'letters', '--public']);
      // RFC 8410: SubjectPublicKeyInfo of an Ed25519 key is a fixed head and the 32 bytes.
      const spki = Buffer.concat([
        Buffer.from('302a300506032b6570032100', 'hex'),
        Buffer.from(hex.trim(), 'hex'),
      ]);
      const key = setup.scratch.file('key.der', spki);
      const verify = [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        key,
        '-keyform',
        'DER',
        '-rawin',
        '-sigfile',
        out,
        '-in',
      ];
      expect((await runProgram('openssl', [...verify, message])).stdout).toContain(
        'Signature Verified Successfully',
      );
      const other = setup.scratch.file('other.txt', 'signed by somebody\n');
      expect((await runProgram('openssl', [...verify, other])).status).not.toBe(0);
    },
  );

  test.skipIf(!hasProgram('ssh-keygen', '-?'))(
    'of a file for SSH convinces ssh-keygen -Y verify (needs ssh-keygen)',
    async () => {
      const text = 'release 1.0\n';
      const file = setup.scratch.file('release.txt', text);
      const signature = join(setup.scratch.path, 'release.txt.sig');
      await setup.json(['sign', 'shell', file, '--ssh-namespace', 'file', '--out', signature, '--yes']);
      const { stdout: line } = await setup.ckm(['key', 'show', 'shell', '--public']);
      const allowed = setup.scratch.file('allowed', `me@example ${line}`);
      const verify = ['-Y', 'verify', '-f', allowed, '-I', 'me@example', '-n', 'file', '-s', signature];
      expect(await runProgram('ssh-keygen', verify, { stdin: text })).toMatchObject({ status: 0 });
      expect((await runProgram('ssh-keygen', verify, { stdin: 'release 2.0\n' })).status).not.toBe(0);
    },
  );
});

describe('paying', () => {
  const addressOf = (...flags: string[]) => setup.json<Address>(['address', 'treasury', ...flags]);

  test('a PSBT with coins on both chains becomes a transaction that noble and btc-signer accept, and only then', async () => {
    await createKey(setup, 'treasury', '--for', 'bitcoin');
    const coins = [await addressOf('--index', '0'), await addressOf('--index', '4', '--change')];
    const change = await addressOf('--index', '5', '--change');
    const psbt = paymentFrom(coins, change, 650_000n);
    const file = setup.scratch.file('payment.psbt', psbt);
    const told = await setup.ckm(['sign', 'treasury', '--psbt', file, '--preview']);
    expect(told.stderr.trimStart()).toMatch(
      /^Pay 0\.00650000 BTC to bc1q\S+ (from|with) (this key|treasury); fee 700 sats/,
    );
    const signed = await setup.json<{
      transaction: string;
      txid: string;
      artefact: string;
      signers: string[];
    }>(['sign', 'treasury', '--psbt', file, '--yes']);
    expect(signed.signers).toHaveLength(2);
    expect(spends(signed.transaction, coins)).toEqual([true, true]);
    expect(spends(signed.transaction, coins.toReversed())).toEqual([false, false]);
    expect(finalized(Buffer.from(signed.artefact, 'base64'))).toEqual({
      hex: signed.transaction,
      id: signed.txid,
    });
    // As text, from stdin, by two others: other signatures of the same transaction.
    const { stdout } = await setup.ckm(['sign', 'treasury', '--psbt', '-', '--yes', '--without', 'alpha'], {
      stdin: Buffer.from(psbt).toString('base64'),
    });
    const again = finalized(Buffer.from(stdout, 'base64'));
    expect(again.id).toBe(signed.txid);
    expect(again.hex).not.toBe(signed.transaction);
    expect(spends(again.hex, coins)).toEqual([true, true]);
  });

  test('a PSBT with no coin of the key is refused', async () => {
    const change = await addressOf('--index', '1', '--change');
    const psbt = paymentFrom([strangersAddress()], change, 1_000n);
    const file = setup.scratch.file('theirs.psbt', psbt);
    const outcome = await setup.ckm(['sign', 'treasury', '--psbt', file, '--yes']);
    expect([errorOf(outcome).code, outcome.status, outcome.stdout]).toEqual(['PSBT_NO_INPUT_OF_KEY', 65, '']);
  });
});

describe('servers that misbehave on the network', () => {
  let proxies: Proxy[];
  let owner: Record<string, string>;
  const asOwner = (args: readonly string[]) => callCkm([...args, '--timeout', '3'], { environment: owner });

  beforeAll(async () => {
    proxies = await Promise.all(SERVERS.map((name) => startProxy(setup.servers[name]!.url)));
    owner = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'elsewhere') };
    await makeOwner(owner, Object.fromEntries(SERVERS.map((name, i) => [name, proxies[i]!.url])));
    const made = await asOwner([
      'key',
      'create',
      'k',
      '--for',
      'message',
      '--quorum',
      '2of3',
      '--servers',
      SERVERS.join(),
      '--yes',
    ]);
    if (made.status !== 0) throw new Error(made.stderr);
  }, 120_000);
  afterAll(() => Promise.all(proxies.map((proxy) => proxy.close())));

  /** Signs until alpha was among the first two that are asked, which chance decides; what was said then. */
  async function signPastAlpha(bend: () => void): Promise<{ signed: unknown; stderr: string }> {
    const sign = (...more: string[]) => asOwner(['sign', 'k', '--message', 'x', '--yes', '--json', ...more]);
    // Only servers that have given commitments beforehand are asked first.
    for (const name of ['bravo', 'charlie'])
      expect(await sign('--without', name)).toMatchObject({ status: 0 });
    bend();
    for (let tries = 0; tries < 16; tries++) {
      const { status, stdout, stderr } = await sign();
      expect(status).toBe(0);
      const signed = JSON.parse(stdout) as { silent: string[] };
      if (signed.silent.length > 0) return { signed, stderr };
    }
    return expect.unreachable('of three, alpha is among the first two');
  }

  const UNREAD = 'alpha sends what cannot be read';
  test.each<[string, (proxy: Proxy) => void, string]>([
    ['silent', (proxy) => (proxy.before = () => 'hang'), 'no answer from alpha'],
    ['replaced by garbage', (proxy) => (proxy.before = () => new Uint8Array(200).fill(3)), UNREAD],
    ['replaced by nothing', (proxy) => (proxy.before = () => new Uint8Array(0)), UNREAD],
    [
      'yesterday’s',
      (proxy) => {
        let first: Uint8Array | undefined;
        proxy.replace = (answer) => (first ??= answer);
      },
      UNREAD,
    ],
  ])(
    'V70: an answer that is %s does not keep the others from signing, and its server is named',
    async (_what, bend, told) => {
      const { signed, stderr } = await signPastAlpha(() => bend(proxies[0]!));
      Object.assign(proxies[0]!, { before: () => 'pass', replace: (answer: Uint8Array) => answer });
      expect(signed).toMatchObject({ signers: ['bravo', 'charlie'], silent: ['alpha'], faulty: [] });
      expect(stderr).toMatch(new RegExp(`^ckm: note: ${told}$`, 'm'));
    },
  );

  test('two of three whose answers are garbage: one line who, one line what to do, status 69', async () => {
    for (const i of [0, 1]) proxies[i]!.before = () => new Uint8Array(9);
    const outcome = await asOwner(['sign', 'k', '--message', 'too few', '--yes']);
    const status = await asOwner(['status']);
    for (const i of [0, 1]) proxies[i]!.before = () => 'pass';
    expect(errorOf(outcome)).toMatchObject({
      code: 'TOO_FEW_SERVERS',
      message:
        'too few servers can sign, 2 are needed: alpha sends what cannot be read, bravo sends what cannot be read',
    });
    expect(outcome.status).toBe(69);
    expect(status.stdout).toMatch(/k +message +2 of 3 +1 answers +cannot sign: bring alpha and bravo back/);
  });

  test('a name that is the name of another server is refused before anything is compared, and the pin stays', async () => {
    const before = treeHash(owner['CKM_HOME']!);
    const outcome = await asOwner(['server', 'add', 'alpha', setup.servers['bravo']!.url, '--yes']);
    expect(errorOf(outcome).code).toBe('SERVER_EXISTS');
    expect(outcome.stderr).not.toMatch(/^ {2}bravo /m);
    expect(outcome.status).toBe(64);
    expect(treeHash(owner['CKM_HOME']!)).toBe(before);
  });

  test('a server that does not look like what its operator told is refused', async () => {
    const words = 'olive-canyon-ferret-magnet-dune-cat';
    const outcome = await asOwner([
      'server',
      'add',
      'delta',
      setup.servers['bravo']!.url,
      '--likeness',
      words,
    ]);
    expect(errorOf(outcome).code).toBe('SERVER_LIKENESS_MISMATCH');
  });
});

describe('status, doctor and sessions', () => {
  test('ckm status shows servers, keys and open sessions on one screen', async () => {
    const { stdout } = await inProcess(['status']);
    expect(stdout).toMatch(/^Servers\n( {2}(alpha|bravo|charlie) +answers in \d+ ms .*\n){3}\nKeys\n/);
    expect(stdout).toMatch(/letters +message +2 of 3 +all 3 answer +1 server may fail/);
    expect(stdout).toMatch(/Open sessions\n {2}none/);
  });

  test('doctor has a line for each thing, and a fix for each that is wrong', async () => {
    const { stdout, status } = await inProcess(['doctor']);
    expect(status).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .every((line) => /^(ok|warn) /.test(line)),
    ).toBe(true);
  });

  test('sessions are listed, shown, and those that are over are not resumed', async () => {
    const sessions = await setup.json<{ id: string; state: string }[]>(['sessions']);
    expect(sessions.length).toBeGreaterThan(1);
    expect(sessions.every(({ state }) => state === 'finished')).toBe(true);
    const { id } = sessions[0]!;
    expect((await setup.ckm(['sessions', 'show', id])).stdout).toMatch(
      /State +finished\n[^]*\nStep +5 of 5\n/,
    );
    expect(errorOf(await setup.ckm(['sessions', 'resume', id])).code).toBe('SESSION_OVER');
    expect(errorOf(await setup.ckm(['sessions', 'cancel', id, '--yes'])).code).toBe('SESSION_OVER');
  });

  test('key verify asks every server', async () => {
    const { stdout, status } = await inProcess(['key', 'verify', 'letters']);
    expect(status).toBe(0);
    for (const name of SERVERS)
      expect(stdout).toMatch(new RegExp(`ok +${name} +same key, same policy, active`));
  });

  test('a server that a key needs is not forgotten', async () => {
    expect(errorOf(await setup.ckm(['server', 'remove', 'alpha', '--yes'])).code).toBe('SERVER_IN_USE');
  });
});

describe('V65: secrets', () => {
  /** Everything below a folder, as one string. */
  const contentsOf = (folder: string): string =>
    readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      .join('\n');

  test('neither passphrase nor seed lies in the home or is printed, whatever was done', async () => {
    const backup = join(setup.scratch.path, 'backup.txt');
    const ur = join(setup.scratch.path, 'backup.ur');
    const spoken = [
      await setup.ckm(['seed', 'backup', '--out', backup]),
      await setup.ckm(['seed', 'backup', '--format', 'ur', '--out', ur]),
    ];
    const words = readFileSync(backup, 'utf8').trim();
    expect(words.split(' ')).toHaveLength(24);
    const stored = contentsOf(home);
    for (const secret of ['river lamp seven onions', words, readFileSync(ur, 'utf8').trim().slice(8)]) {
      expect(stored.includes(secret)).toBe(false);
      expect(spoken.some(({ stdout, stderr }) => `${stdout}${stderr}`.includes(secret))).toBe(false);
    }
  });

  test('are in no argument and no environment variable of the process that uses them', async () => {
    const out = join(setup.scratch.path, 'watched.txt');
    const environment = { PATH: process.env['PATH'] ?? '', ...setup.environment };
    const child = spawn(process.execPath, [CKM, 'seed', 'backup', '--out', out], {
      env: environment,
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    let seen = '';
    while (child.exitCode === null) {
      for (const file of ['cmdline', 'environ']) {
        try {
          seen += readFileSync(`/proc/${child.pid}/${file}`, 'latin1');
        } catch {
          // It ended between the two looks.
        }
      }
      await new Promise(setImmediate);
    }
    await ended;
    const words = readFileSync(out, 'utf8').split(' ');
    expect(seen).toContain('CKM_PASSPHRASE_FILE');
    expect(seen).not.toContain('seven onions');
    expect(seen).not.toContain(`${words[3]} ${words[4]}`);
  });

  test('a restored seed is the same owner to every server, who gets the keys back: same address, and it signs', async () => {
    await createKey(setup, 'vault', '--for', 'bitcoin');
    const address = (await setup.ckm(['address', 'vault', '--index', '0', '--quiet'])).stdout;
    const backup = join(setup.scratch.path, 'again.txt');
    await setup.ckm(['seed', 'backup', '--out', backup]);
    const environment = { ...setup.environment, CKM_HOME: join(setup.scratch.path, 'restored') };
    const restored = (args: readonly string[]) => callCkm(args, { environment });
    const { stderr, status } = await restored(['seed', 'restore', '--from', backup]);
    expect(status).toBe(0);
    expect(stderr).toContain('ckm key fetch');
    await sealCheaply(environment);
    for (const name of SERVERS) {
      const added = await restored(['server', 'add', name, setup.servers[name]!.url, '--yes']);
      expect(added).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(/holds \d keys of yours.*ckm key fetch/),
      });
    }
    const accounts = await setup.json<unknown[]>(['server', 'accounts', 'list', setup.folderOf('alpha')]);
    // This owner, and the one behind the proxies.
    expect(accounts).toHaveLength(2);
    const found = JSON.parse((await restored(['key', 'fetch', '--preview', '--json'])).stdout) as {
      found: { suggestedName: string; keyId: string }[];
    };
    for (const name of ['vault', 'letters']) {
      const { keyId } = await setup.json<{ keyId: string }>(['key', 'show', name]);
      const { suggestedName } = found.found.find((one) => one.keyId === keyId)!;
      const fetched = await restored(['key', 'fetch', suggestedName, '--name', name]);
      expect({ status: fetched.status, stderr: fetched.status === 0 ? '' : fetched.stderr }).toEqual({
        status: 0,
        stderr: '',
      });
      expect(fetched.stdout).toMatch(/State +stored by every server/);
    }
    expect((await restored(['address', 'vault', '--index', '0', '--quiet'])).stdout).toBe(address);
    expect(await restored(['sign', 'letters', '--message', 'it is me', '--yes'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^[0-9a-f]{128}\n$/),
    });
  });

  test.skipIf(!hasProgram('script', '--version'))(
    'the 24 words go to the terminal, and not where stdout goes (needs script)',
    async () => {
      const fresh = join(setup.scratch.path, 'fresh');
      const out = join(setup.scratch.path, 'stdout.txt');
      const command = `${process.execPath} ${join(import.meta.dirname, '../../bin/ckm.js')} init --home ${fresh} > ${out}`;
      const seen = await runProgram('script', ['-qec', command, '/dev/null'], {
        environment: setup.environment,
      });
      expect(seen.status).toBe(0);
      expect(seen.stdout).toMatch(/Write these 24 words down/);
      expect(seen.stdout).toMatch(/24 [a-z]+/);
      expect(readFileSync(out, 'utf8')).toBe(`owner seed made in ${fresh}\n`);
    },
  );
});
